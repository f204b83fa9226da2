/*
 * Images come from agents, tools and files. Whether data is an image is decided by its first bytes and never by what it
 * is called: only what a browser decodes without running anything. SVG is a document with scripts, and none.
 */

export type ImageType = 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';

const LARGEST_BASE64 = 14_000_000;

/** Null for what is no image that can be shown. */
export function imageTypeOf(base64: string): ImageType | null {
  if (base64.length > LARGEST_BASE64 || !/^[A-Za-z0-9+/]{16}/.test(base64)) return null;
  const head = atob(base64.slice(0, 16));
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (head.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(head)) return 'image/gif';
  return head.startsWith('RIFF') && head.endsWith('WEBP') ? 'image/webp' : null;
}

/** As a blob of what it is; null for what is none. */
export function toImage(bytes: Uint8Array): Blob | null {
  const type = imageTypeOf(btoa(String.fromCharCode(...bytes.subarray(0, 12))));
  return type && new Blob([Uint8Array.from(bytes)], { type });
}

/** To be used as the `src` of an image; null for what is none, or would end the address early. */
export function imageSource(base64: string): string | null {
  const data = base64.replace(/\s+/g, '');
  const type = imageTypeOf(data);
  return type === null || !/^[A-Za-z0-9+/]+=*$/.test(data) ? null : `data:${type};base64,${data}`;
}
