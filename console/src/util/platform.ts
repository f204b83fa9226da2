/** Whose command key is what others have Ctrl for. */
export const isApple = /mac|iphone|ipad/i.test(navigator.userAgent);
