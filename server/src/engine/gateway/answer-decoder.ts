import type { Transform } from 'node:stream';
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';

// An answer that was cut off is read as far as it goes.
const zlib = { finishFlush: constants.Z_SYNC_FLUSH };
const decoders: Record<string, () => Transform> = {
  gzip: () => createGunzip(zlib),
  'x-gzip': () => createGunzip(zlib),
  deflate: () => createInflate(zlib),
  br: () => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH }),
  zstd: () => createZstdDecompress({ finishFlush: constants.ZSTD_e_flush }),
};

/** What takes a `content-encoding` off again: null where there is none, undefined where it is not known. */
export function decoderOf(contentEncoding: string): Transform | null | undefined {
  const name = contentEncoding.trim().toLowerCase();
  if (name === '' || name === 'identity') return null;
  return decoders[name]?.();
}
