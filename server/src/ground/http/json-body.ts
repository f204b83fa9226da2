import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { wellFormed } from '../util/well-formed.ts';
import { decodeBody } from './content-encoding.ts';
import { refuseShape } from './json-text.ts';

/**
 * Reads JSON bodies and nothing else: in UTF-8, of a shape that is cheap to check, without `__proto__` keys. Halves of
 * surrogate pairs become U+FFFD, as no strict parser reads them. An empty body is no body, whatever its type.
 */
export function installJsonBodyParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', 'text/json'],
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: Buffer) => {
      const { headers, routeOptions } = request;
      requireUtf8(headers['content-type']);
      const limit = routeOptions.bodyLimit ?? bytes.length;
      const text = readText(await decodeBody(bytes, headers['content-encoding'], limit));
      if (text.trim() === '') return undefined;
      const shape = refuseShape(text);
      if (shape !== null) throw new AppError('malformed_body', `The body ${shape}.`);
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      void parse(request, text, (error, value) => (error === null ? resolve(value) : reject(error)));
      const value = await promise.catch(() => {
        throw new AppError('malformed_body', describeRefusal(text));
      });
      // Only as an escape can a half be in UTF-8.
      return text.includes('\\u') ? wellFormed(value) : value;
    },
  );
  // Many clients name a type with every request, also where they send nothing.
  app.addHook('onRequest', async ({ raw: { headers } }) => {
    const isEmpty =
      headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
    if (isEmpty) delete headers['content-type'];
  });
}

function requireUtf8(contentType = ''): void {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType)?.[1] ?? 'utf-8';
  if (/^(utf-?8|us-ascii)$/i.test(charset)) return;
  throw new AppError('unsupported_media_type', `JSON is sent in UTF-8, not in ${charset.slice(0, 40)}.`);
}

function readText(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new AppError('malformed_body', 'The body is not valid UTF-8.');
  return bytes.toString().replace(/^\ufeff/, '');
}

function describeRefusal(text: string): string {
  try {
    JSON.parse(text);
    return 'The body has a key that is not allowed: __proto__, or constructor with a prototype.';
  } catch (error) {
    return `The body is not valid JSON: ${(error as Error).message}`;
  }
}
