import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { AppError } from '../ground/errors.ts';
import { requireIdentity } from '../ground/http/content-encoding.ts';
import { attachment, type Download, sendDownload } from '../ground/http/download.ts';
import { problems } from '../ground/http/problem.ts';
import { sessionKey } from '../session/service.ts';
import { sessionParams } from '../session/session.ts';
import { changesView, rewindRequest, rewindView, toRewound } from './changes.ts';
import { limitFiles } from './diff.ts';
import { entityTag, MAX_FILE_BYTES, type OpenFile, streamFile, tooLarge } from './files.ts';
import { fileListing, fileWritten } from './listing.ts';
import { parsePath, parseUrlPath, type WorkspacePath } from './path.ts';
import { archiveFiles, findFile, readChanges, removeFile, rewindFiles, storeFile } from './service.ts';

const tags = ['workspace'];
const params = sessionParams;
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((value) => value === 'true');
const directoryQuery = z.strictObject({
  recursive: flag.describe('Directories: with all that is below.'),
});

/** Files of a session's workspace, what the session changed in it, and the way back. */
export async function workspaceRoutes(
  instance: FastifyInstance,
  { forTenant }: Pick<Context, 'forTenant'>,
): Promise<void> {
  await instance.register(fileRoutes, { forTenant });
  await instance.register(changeRoutes, { forTenant });
}

async function fileRoutes(
  instance: FastifyInstance,
  { forTenant }: Pick<Context, 'forTenant'>,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  // Bodies are files here, whatever type they say they have: streamed to the disk, and parsed by nobody.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: unknown) => {
    requireIdentity(request.headers['content-encoding']);
    return payload;
  });
  // A client that still sends does not read: what is refused is taken in and dropped, so that it gets to the answer.
  app.addHook('onError', async ({ raw }) => void raw.resume());

  const read = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { recursive } = request.query as z.output<typeof directoryQuery>;
    const path = filePath(request);
    const found = await findFile(forTenant(request).workspaces, keyOf(request), { path, recursive });
    if (found.kind === 'file') return await sendDownload(toDownload(found, path), { request, reply });
    const { omitted, ...listed } = found.listing;
    return { path: path.join('/'), ...listed, omitted_files: omitted };
  };
  const bytes = { description: 'A file', content: { 'application/octet-stream': { schema: z.any() } } };
  const listing = { description: 'A directory', content: { 'application/json': { schema: fileListing } } };

  app.get(
    '/sessions/:session_id/files',
    {
      schema: {
        tags,
        summary: 'List the workspace',
        params,
        querystring: directoryQuery,
        response: { 200: fileListing, ...problems(404, 409, 422, 503) },
      },
    },
    async (request, reply) => (await read(request, reply)) as z.infer<typeof fileListing>,
  );

  app.route({
    method: 'GET',
    url: '/sessions/:session_id/files/*',
    exposeHeadRoute: false,
    schema: {
      tags,
      summary: 'Read a file, whole or a range of it, or list a directory',
      params,
      querystring: directoryQuery,
      response: {
        200: { ...listing, content: { ...listing.content, ...bytes.content } },
        206: bytes,
        ...problems(404, 409, 416, 422, 503),
      },
    },
    handler: read as never,
  });

  app.route({
    method: 'HEAD',
    url: '/sessions/:session_id/files/*',
    schema: { hide: true, querystring: directoryQuery },
    handler: read as never,
  });

  app.put(
    '/sessions/:session_id/files/*',
    {
      schema: {
        tags,
        summary: 'Write a file',
        description: `The body is the file, at most ${MAX_FILE_BYTES / 2 ** 20} MB.`,
        params,
        response: {
          200: fileWritten,
          201: fileWritten,
          ...problems(404, 408, 409, 412, 413, 422, 503, 507),
        },
      },
    },
    async (request, reply) => {
      const path = filePath(request);
      const label = path.join('/');
      const { headers } = request;
      if (Number(headers['content-length'] ?? 0) > MAX_FILE_BYTES) throw tooLarge(label);
      const { stats, isNew } = await storeFile(forTenant(request).workspaces, keyOf(request), {
        path,
        content: request.raw,
        conditions: {
          ifMatch: headers['if-match'] ?? null,
          onlyIfMissing: requireStar(headers['if-none-match']),
        },
      });
      const etag = entityTag(stats);
      reply.code(isNew ? 201 : 200).header('etag', etag);
      return { path: label, size: Number(stats.size), etag };
    },
  );

  app.delete(
    '/sessions/:session_id/files/*',
    {
      schema: {
        tags,
        summary: 'Delete a file or a directory',
        params,
        querystring: z.strictObject({
          recursive: flag.describe('A directory that is not empty, with all that is in it.'),
        }),
        response: { 200: z.object({ path: z.string() }), ...problems(404, 409, 422, 503) },
      },
    },
    async (request) => {
      const path = filePath(request);
      await removeFile(forTenant(request).workspaces, keyOf(request), {
        path,
        recursive: request.query.recursive,
      });
      return { path: path.join('/') };
    },
  );

  app.get(
    '/sessions/:session_id/archive',
    {
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'The workspace as a tar archive',
        params,
        querystring: z.strictObject({
          path: z.string().default('').describe('Only this directory of it.'),
        }),
        response: {
          200: { description: 'A tar archive', content: { 'application/x-tar': { schema: z.any() } } },
          ...problems(404, 409, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const key = keyOf(request);
      const archive = await archiveFiles(forTenant(request).workspaces, key, parsePath(request.query.path));
      reply.type('application/x-tar').header('content-disposition', attachment(`${key.id}.tar`));
      if (archive.omitted.length > 0) reply.header('x-omitted-files', listInHeader(archive.omitted));
      return reply.send(archive.content);
    },
  );
}

async function changeRoutes(
  instance: FastifyInstance,
  { forTenant }: Pick<Context, 'forTenant'>,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/sessions/:session_id/changes',
    {
      exposeHeadRoute: false,
      schema: {
        tags,
        summary: 'What the session changed in its workspace',
        params,
        querystring: z.strictObject({
          from: z
            .string()
            .default('start')
            .describe('Since when: the `start` of the session, a turn_id, or the `last` turn.'),
          context: z.coerce.number().int().min(0).max(1_000).default(3).describe('Lines around a change.'),
          path: z.string().default('').describe('Only this file or directory.'),
          format: z.enum(['json', 'diff']).optional().describe('Default: by the Accept header, else json.'),
        }),
        response: {
          200: {
            description: 'The changes',
            content: {
              'application/json': { schema: changesView },
              'text/x-diff': { schema: z.any() },
            },
          },
          ...problems(404, 409, 422, 503),
        },
      },
    },
    async (request, reply) => {
      const { from, context, path, format } = request.query;
      const changes = await readChanges(forTenant(request).workspaces, keyOf(request), {
        from,
        path: parsePath(path),
        context,
      });
      if ((format ?? preferredFormat(request.headers.accept)) === 'diff') {
        reply.header('x-truncated', String(changes.truncated)).header('x-content-type-options', 'nosniff');
        return reply.type('text/x-diff; charset=utf-8').send(changes.diff);
      }
      return {
        base: changes.base,
        files: changes.files,
        diff: changes.diff.toString('utf8'),
        truncated: changes.truncated,
        omitted_files: changes.omitted,
      };
    },
  );

  app.post(
    '/sessions/:session_id/rewind',
    {
      schema: {
        tags,
        summary: 'Restore the files to what they were before a turn',
        params,
        body: rewindRequest,
        response: { 200: rewindView, ...problems(400, 404, 409, 422, 503, 507) },
      },
    },
    async (request) => {
      const { to, dry_run } = request.body;
      const key = keyOf(request);
      const { changes, conflicts } = await rewindFiles(forTenant(request).workspaces, key, {
        to,
        dryRun: dry_run,
      });
      const { files, truncated } = limitFiles(changes);
      const sum = (of: 'additions' | 'deletions'): number =>
        changes.reduce((total, change) => total + change[of], 0);
      return {
        files_changed: changes.map(({ path }) => path),
        insertions: sum('additions'),
        deletions: sum('deletions'),
        dry_run,
        files: toRewound(files),
        truncated,
        conflicts,
      };
    },
  );
}

function keyOf(request: FastifyRequest): ReturnType<typeof sessionKey> {
  return sessionKey({ identity: request.identity, params: request.params as z.infer<typeof params> });
}

/** From the URL as it was sent: the router's own decoding does not tell `%2F` from a slash. */
function filePath({ raw }: FastifyRequest): WorkspacePath {
  const [url = ''] = (raw.url ?? '').split('?');
  return parseUrlPath(url.split('/').slice(4).join('/'));
}

const MAX_HEADER_CHARACTERS = 4_000;

/** Paths as in a URL, with commas between; dots stand for those that there is no room for. */
function listInHeader(paths: readonly string[]): string {
  const text = paths.map((path) => path.split('/').map(encodeURIComponent).join('/')).join(', ');
  if (text.length <= MAX_HEADER_CHARACTERS) return text;
  return `${text.slice(0, text.lastIndexOf(', ', MAX_HEADER_CHARACTERS))}, ...`;
}

function requireStar(header: string | undefined): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  throw new AppError('precondition_failed', 'If-None-Match is understood only as *, when writing.');
}

function preferredFormat(accept = ''): 'json' | 'diff' {
  const isDiff = /text\/x-(diff|patch)/.test(accept) && !accept.includes('application/json');
  return isDiff ? 'diff' : 'json';
}

function toDownload({ handle, stats }: OpenFile, path: WorkspacePath): Download {
  return {
    name: path.at(-1) ?? '',
    size: Number(stats.size),
    etag: entityTag(stats),
    modifiedAt: new Date(Number(stats.mtimeMs)),
    read: (range) => streamFile(handle, range),
    close: async () => await handle.close(),
  };
}
