import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';
import { AppError, errorMessage } from '../errors.ts';

type Decoder = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>;

const decoders: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
  ['br', promisify(brotliDecompress)],
  ['zstd', promisify(zstdDecompress)],
]);

/** The body as it was before it was compressed; `limit` is of its bytes by then, and decoding stops there. */
export async function decodeBody(
  bytes: Buffer,
  encoding: string | undefined,
  limit: number,
): Promise<Buffer> {
  const name = nameOf(encoding);
  if (name === IDENTITY) return bytes;
  const decode = decoders.get(name);
  if (decode === undefined) throw unknownEncoding(name, `, or in one of ${[...decoders.keys()].join(', ')}`);
  return await decode(bytes, { maxOutputLength: limit }).catch((error) => {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      throw new AppError(
        'body_too_large',
        `The body is larger than ${limit / 2 ** 20} MB when it is decoded.`,
      );
    }
    const message = `The body cannot be decoded from ${name}: ${errorMessage(error)}`;
    throw new AppError('malformed_body', message, { cause: error });
  });
}

/** For bodies that are taken as they come. */
export function requireIdentity(encoding: string | undefined): void {
  const name = nameOf(encoding);
  if (name !== IDENTITY) throw unknownEncoding(name, '');
}

const IDENTITY = 'identity';

function nameOf(encoding = ''): string {
  return encoding.trim().toLowerCase() || IDENTITY;
}

function unknownEncoding(name: string, alternatives: string): AppError {
  return new AppError(
    'unsupported_media_type',
    `A content-encoding "${name.slice(0, 40)}" is not read here.`,
    {
      hint: `send the body as it is${alternatives}`,
    },
  );
}
