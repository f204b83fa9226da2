import type { ImageType } from '../content/image-data.ts';
import { remember, remembered, rememberedKeys } from '../util/remembered.ts';

/*
 * Images that are about to be sent. They are kept over a reload as far as storage has room for them: it is small, and
 * texts come first.
 */

export type ImageRef = { id: string; name: string; type: ImageType; bytes: number };

const PREFIX = 'greenroom.image.';
/** Characters of base64; storage has room for some five million in all. */
export const MAX_KEPT = 1_000_000;

const open = new Map<string, string>();

export function keepImage(id: string, base64: string): void {
  open.set(id, base64);
  if (base64.length <= MAX_KEPT) remember(PREFIX + id, base64);
}

/** Null when it was too large to outlive the page that it was given to. */
export function imageData(id: string): string | null {
  const kept = open.get(id) ?? remembered(PREFIX + id);
  return typeof kept === 'string' ? kept : null;
}

export function outlivesPage({ bytes }: ImageRef): boolean {
  return (bytes * 4) / 3 <= MAX_KEPT;
}

export function forgetImages(images: readonly ImageRef[]): void {
  for (const { id } of images) {
    open.delete(id);
    remember(PREFIX + id, null);
  }
}

/** Those that nothing names any more: a page was closed between two steps. */
export function forgetOtherImages(named: ReadonlySet<string>): void {
  for (const key of rememberedKeys(PREFIX)) {
    if (!named.has(key.slice(PREFIX.length))) remember(key, null);
  }
}
