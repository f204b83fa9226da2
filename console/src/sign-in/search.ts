/** Where to go after signing in: a place of the console, never another site. */
export type SignInSearch = { next?: string };

export function readSignInSearch({ next }: Record<string, unknown>): SignInSearch {
  return isPlace(next) ? { next } : {};
}

function isPlace(next: unknown): next is string {
  // NOTE: browsers read a backslash as a slash, and two of them as the beginning of another host.
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) && !next.startsWith('/sign-in');
}
