import type { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { parseRange } from './range.ts';

/** A file on its way to a client. Exactly one of `read` and `close` is called. */
export type Download = {
  name: string;
  size: number;
  etag: string;
  modifiedAt: Date;
  read(range: { start: number; length: number }): Readable;
  close(): Promise<void>;
};

/** Answers GET and HEAD, whole, in a range, or not at all where the client has it already (RFC 9110). */
export async function sendDownload(
  download: Download,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const { size, etag } = download;
  writeHeaders(download, reply);
  if (isKnown(request.headers['if-none-match'], etag)) return await sendEmpty(download, reply.code(304));
  const condition = request.headers['if-range'];
  const isSame = condition === undefined || condition === etag;
  const range = parseRange(isSame ? request.headers.range : undefined, size);
  if (range.kind === 'unsatisfiable') {
    await download.close();
    reply.header('content-range', `bytes */${size}`);
    throw new AppError('range_not_satisfiable', `The file has ${size} bytes.`);
  }
  const { start, length } = range.kind === 'whole' ? { start: 0, length: size } : range;
  if (range.kind === 'part') {
    reply.code(206).header('content-range', `bytes ${start}-${start + length - 1}/${size}`);
  }
  reply.header('content-length', length);
  if (request.method === 'HEAD') return await sendEmpty(download, reply);
  return reply.send(download.read({ start, length }));
}

function writeHeaders({ name, etag, modifiedAt }: Download, reply: FastifyReply): void {
  reply
    .header('etag', etag)
    .header('last-modified', modifiedAt.toUTCString())
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'private, no-cache')
    .header('content-disposition', attachment(name))
    .header('content-security-policy', "default-src 'none'; sandbox")
    .header('x-content-type-options', 'nosniff')
    .type(mediaType(name));
}

async function sendEmpty(download: Download, reply: FastifyReply): Promise<FastifyReply> {
  await download.close();
  return reply.send();
}

export function isKnown(header: string | undefined, etag: string): boolean {
  const tags = header?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes(etag) || tags.includes('*');
}

/** Never shown in place by a browser: whatever an agent writes must not run with the rights of this server's pages. */
export function attachment(name: string): string {
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename*=UTF-8''${encoded}`;
}

// What a browser could run or take for a page (HTML, SVG, XML, scripts) is not among them.
const mediaTypes: Record<string, string> = {
  txt: 'text/plain; charset=utf-8',
  md: 'text/plain; charset=utf-8',
  log: 'text/plain; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
};

function mediaType(name: string): string {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(mediaTypes, extension) ? (mediaTypes[extension] ?? '') : 'application/octet-stream';
}
