import { type ImageType, imageTypeOf } from '../content/image-data.ts';

/* What the API takes of images in one message. */

export const MAX_IMAGES = 20;
export const MAX_IMAGE_BYTES = 5 * 1024 * 1024;
/** Of all together, so that a message stays below the 20 MB of a request. */
export const MAX_TOTAL_BYTES = 14 * 1024 * 1024;

export type ReadImage = { type: ImageType; base64: string };

/** Null for what is none, whatever it is called, and for what is too large to be sent as one. */
export async function readImage(file: Blob): Promise<ReadImage | null> {
  if (file.size > MAX_IMAGE_BYTES || file.size < 16) return null;
  const base64 = toBase64(new Uint8Array(await file.arrayBuffer()));
  const type = imageTypeOf(base64);
  return type === null ? null : { type, base64 };
}

/** Whether one more fits into a message that has these. */
export function hasRoom(images: readonly { bytes: number }[], bytes: number): boolean {
  const total = images.reduce((sum, image) => sum + image.bytes, bytes);
  return images.length < MAX_IMAGES && total <= MAX_TOTAL_BYTES;
}

const CHUNK = 0x8000;

function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK));
  }
  return btoa(binary);
}
