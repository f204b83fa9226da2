import cors from '@fastify/cors';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../ground/errors.ts';

const EXPOSED_HEADERS = ['x-request-id', 'retry-after', 'link', 'etag', 'idempotent-replayed'];

/**
 * Pages of which sites may use the server from a browser: its own, and those that are listed. A browser names the site
 * in `Origin`; other clients send none. Listed ones come with a key of their own: their pages cannot send the cookie of a
 * browser that is signed in.
 */
export async function installOriginGuard(
  app: FastifyInstance,
  { corsOrigins }: { corsOrigins: string[] },
): Promise<void> {
  app.addHook('onRequest', async (request) => {
    if (isForeign(request, corsOrigins)) {
      throw new AppError('forbidden_origin', 'Pages of another site may not use this server.', {
        hint: 'list the site in GREENROOM_CORS_ORIGINS',
      });
    }
  });
  if (corsOrigins.length === 0) return;
  await app.register(cors, {
    origin: corsOrigins,
    credentials: false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600,
  });
}

function isForeign(request: FastifyRequest, corsOrigins: readonly string[]): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (origin === undefined) return site === 'cross-site' && !isRead;
  // Of pages without a site of their own, such as files: they may ask, though not read the answer.
  if (origin === 'null') return !isRead && !corsOrigins.includes('null');
  return !corsOrigins.includes(origin) && hostOf(origin) !== request.host.toLowerCase();
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
