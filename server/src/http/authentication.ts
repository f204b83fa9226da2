import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import { type Identity, mayUse, NOBODY, type Scope } from '../api-key/identity.ts';
import type { KeyRing } from '../api-key/key-ring.ts';
import type { Database } from '../db/database.ts';
import { AppError } from '../errors.ts';
import { redeemTicket } from '../stream-ticket/service.ts';
import { FailureThrottle } from './throttle.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request. `NOBODY` where no key is needed, or none was seen yet. */
    identity: Identity;
  }
  interface FastifyContextConfig {
    /** What a key must have to use the route; null lets everybody in. Left out: `sessions:read` for GET and HEAD, else `sessions:write`. */
    scope?: Scope | null;
    /** Whether a stream ticket (`?ticket=`) opens the route as well. */
    acceptsTicket?: true;
  }
}

/** Says who makes each request, before its body is read; refuses it without a key that may use the route. */
export function installAuthentication(
  app: FastifyInstance,
  keys: KeyRing,
  { db }: { db: Kysely<Database> },
): void {
  const throttle = new FailureThrottle();
  const identities = new WeakMap<FastifyRequest, Identity>();
  app.decorateRequest('identity', {
    getter(this: FastifyRequest) {
      return identities.get(this) ?? NOBODY;
    },
  });
  app.addHook('onRequest', async (request, reply) => {
    const scope = scopeOf({ config: request.routeOptions.config, method: request.method });
    if (request.is404 || scope === null) return;
    const identity = await identify({ keys, db, throttle }, request, reply);
    identities.set(request, identity);
    keys.takeRequest(identity);
    if (!mayUse(identity, scope)) {
      throw new AppError('forbidden', `The API key "${identity.name}" lacks the scope ${scope}.`, {
        hint: 'use a key that has it, or have one made',
      });
    }
    if (identity.apiKeyId === null) return;
    // Streams and transfers end with the key; what has no answer yet gets it.
    const release = keys.whileValid(identity, () => {
      if (reply.raw.headersSent) reply.raw.destroy();
    });
    reply.raw.once('close', release);
  });
}

type Doors = { keys: KeyRing; db: Kysely<Database>; throttle: FailureThrottle };

async function identify(
  { keys, db, throttle }: Doors,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Identity> {
  const secret = readSecret(request);
  const ticket = secret === null ? readTicket(request) : null;
  refuseGuessing({ keys, throttle }, request.ip, secret ?? ticket);
  try {
    if (ticket === null) return await keys.identify(secret);
    const { apiKeyId } = await redeemTicket(db, ticket);
    return await keys.identifyHolder(apiKeyId);
  } catch (error) {
    const isRefusal = error instanceof AppError && error.code === 'unauthorized';
    if (isRefusal) reply.header('www-authenticate', 'Bearer realm="greenroom"');
    if (isRefusal && (secret !== null || ticket !== null)) throttle.noteFailure(request.ip);
    throw error;
  }
}

/** Keys that are in use here go on to be: whoever guesses does not lock their neighbours out. */
function refuseGuessing(
  { keys, throttle }: Omit<Doors, 'db'>,
  ip: string,
  shown: string | { ticket: string } | null,
): void {
  if (shown === null || (typeof shown === 'string' && keys.isInUse(shown))) return;
  const seconds = throttle.retryAfterSeconds(ip);
  if (seconds === 0) return;
  throw new AppError('rate_limited', 'Too many requests with a wrong key came from this address.', {
    hint: 'check the key, and wait',
    retryAfterSeconds: seconds,
  });
}

/** What an `EventSource` has instead of a key, where the route takes one. */
function readTicket({
  routeOptions,
  query,
  params,
}: FastifyRequest): { ticket: string; sessionId: string | null } | null {
  const { ticket } = query as { ticket?: unknown };
  if (routeOptions.config.acceptsTicket !== true || typeof ticket !== 'string') return null;
  const { session_id: sessionId } = params as { session_id?: string };
  return { ticket, sessionId: sessionId?.toLowerCase() ?? null };
}

/** What a key must have to use a route. */
export function scopeOf({
  config,
  method,
}: {
  config: FastifyContextConfig | undefined;
  method: string;
}): Scope | null {
  if (config?.scope !== undefined) return config.scope;
  return method === 'GET' || method === 'HEAD' ? 'sessions:read' : 'sessions:write';
}

/** What the request came with as a key; null without any. */
function readSecret({ headers }: FastifyRequest): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const header = headers['x-api-key'];
  return bearer ?? (typeof header === 'string' && header !== '' ? header : null);
}
