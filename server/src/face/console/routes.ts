import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../ground/errors.ts';
import { acceptedEncodings } from '../../ground/http/accept.ts';
import { isKnown } from '../../ground/http/download.ts';
import { CONSOLE_HEADERS } from '../../ground/http/security-headers.ts';
import { baseOf, insertBase } from './base.ts';
import { type ConsoleFile, encodings, openConsoleFile, readConsoleIndex } from './build.ts';
import { consoleMediaType } from './media-type.ts';

const FOR_EVER = 'public, max-age=31536000, immutable';
const otherMethods = ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const offered = encodings.map(({ name }) => name);

/** The console: files of its build, and its page for every other path below it. */
export async function consoleRoutes(
  app: FastifyInstance,
  { directory }: { directory: string },
): Promise<void> {
  const open = { config: { scope: null }, schema: { hide: true } } as const;
  // The router takes `/console/` for the same route.
  app.get('/console', open, async (request, reply) => {
    const { path, search } = splitUrl(request.url);
    if (path.endsWith('/')) return await sendIndex(directory, request, reply);
    return reply.redirect(`console/${search}`, 302);
  });
  app.get<{ Params: { '*': string } }>('/console/*', open, async (request, reply) => {
    const name = request.params['*'];
    if (name === 'index.html') return await sendIndex(directory, request, reply);
    const accepted = acceptedEncodings(request.headers['accept-encoding'], offered);
    const file = await openConsoleFile(directory, { name, accepted });
    if (file !== undefined) return await sendFile(file, request, reply);
    if (!/^assets(\/|$)/.test(name)) return await sendIndex(directory, request, reply);
    throw new AppError('not_found', 'The console has no such file.', { hint: 'reload the page' });
  });
  for (const url of ['/console', '/console/*']) {
    app.route({ method: [...otherMethods], url, ...open, onRequest: refuseMethod, handler: refuseMethod });
  }
}

async function refuseMethod({ method }: FastifyRequest, reply: FastifyReply): Promise<never> {
  reply.header('allow', 'GET, HEAD');
  throw new AppError('method_not_allowed', `${method} is not allowed here (allowed: GET, HEAD).`);
}

async function sendIndex(
  directory: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const page = insertBase(await readConsoleIndex(directory), baseOf(splitUrl(request.url).path));
  const etag = `"${createHash('sha256').update(page).digest('base64url').slice(0, 22)}"`;
  reply.headers(CONSOLE_HEADERS).header('cache-control', 'no-cache').header('etag', etag);
  if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send();
  return reply.type(consoleMediaType('index.html')).send(page);
}

async function sendFile(
  file: ConsoleFile,
  request: FastifyRequest<{ Params: { '*': string } }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const { handle, size, modifiedMs, encoding } = file;
  const name = request.params['*'];
  const etag = `"${Math.trunc(modifiedMs).toString(36)}-${size.toString(36)}"`;
  reply
    .headers(CONSOLE_HEADERS)
    .header('cache-control', name.startsWith('assets/') ? FOR_EVER : 'no-cache')
    .header('etag', etag)
    .header('vary', 'accept-encoding')
    .type(consoleMediaType(name));
  if (encoding !== null) reply.header('content-encoding', encoding);
  if (isKnown(request.headers['if-none-match'], etag)) {
    await handle.close();
    return reply.code(304).send();
  }
  // For HEAD too: the framework reads it away, and leaves the length.
  return reply.header('content-length', size).send(handle.createReadStream({ start: 0 }));
}

function splitUrl(url: string): { path: string; search: string } {
  const at = url.indexOf('?');
  return at < 0 ? { path: url, search: '' } : { path: url.slice(0, at), search: url.slice(at) };
}
