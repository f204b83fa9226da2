import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import type { KeyRing } from '../../access/api-key/key-ring.ts';
import type { SignIn, SignInRing } from '../../access/sign-in/ring.ts';
import { renew, type SignInServices } from '../../access/sign-in/service.ts';
import { hashOf } from '../../access/sign-in/sign-in.ts';
import { redeemTicket } from '../../access/stream-ticket/service.ts';
import type { Database } from '../../ground/db/database.ts';
import { AppError } from '../../ground/errors.ts';
import { type Identity, lackOf, mayUse, NOBODY, type Scope } from '../../ground/identity.ts';
import { requireSameOrigin } from './same-origin.ts';
import { ambiguous, type SignInCookie } from './sign-in-cookie.ts';
import type { FailureThrottle } from './throttle.ts';

/** `any`: whoever may come in at all. */
export type RouteScope = Scope | 'any' | null;

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request. `NOBODY` where no key is needed, or none was seen yet. */
    identity: Identity;
    /** The browser's, where it is by its cookie that the request was let in. */
    signIn: SignIn | null;
  }
  interface FastifyContextConfig {
    /** What a key must have to use the route; null lets everybody in. Left out: `sessions:read` for GET and HEAD, else `sessions:write`. */
    scope?: RouteScope;
    /** Whether a stream ticket (`?ticket=`) opens the route as well. */
    acceptsTicket?: true;
  }
}

/** What the ways in are checked with. */
export type Doors = {
  db: Kysely<Database>;
  keys: KeyRing;
  signIns: SignInServices;
  cookie: SignInCookie;
  throttle: FailureThrottle;
};

type Caller = { identity: Identity; signIn: SignIn | null };
type Exchange = { request: FastifyRequest; reply: FastifyReply };

/** Says who makes each request, before its body is read; refuses it without a key that may use the route. */
export function installAuthentication(app: FastifyInstance, doors: Doors): void {
  decorate(app);
  app.addHook('onRequest', async (request, reply) => {
    const scope = scopeOf({ config: request.routeOptions.config, method: request.method });
    if (request.is404 || scope === null) return;
    const { identity, signIn } = await identify(doors, { request, reply });
    request.identity = identity;
    request.signIn = signIn;
    doors.keys.takeRequest(identity);
    if (scope !== 'any' && !mayUse(identity, scope)) {
      throw new AppError('forbidden', lackOf(identity, scope), {
        hint: 'use a key that has it, or have one made',
      });
    }
    // Streams and transfers end with the key; what has no answer yet gets it.
    const end = (): void => {
      if (reply.raw.headersSent) reply.raw.destroy();
    };
    const { keys, signIns } = doors;
    const release = signIn ? signIns.ring.whileValid(signIn, end) : keys.whileValid(identity, end);
    reply.raw.once('close', release);
  });
}

function decorate(app: FastifyInstance): void {
  const callers = new WeakMap<FastifyRequest, Partial<Caller>>();
  const set = (request: FastifyRequest, part: Partial<Caller>): void => {
    callers.set(request, { ...callers.get(request), ...part });
  };
  app.decorateRequest('identity', {
    getter(this: FastifyRequest) {
      return callers.get(this)?.identity ?? NOBODY;
    },
    setter(this: FastifyRequest, identity: Identity) {
      set(this, { identity });
    },
  });
  app.decorateRequest('signIn', {
    getter(this: FastifyRequest) {
      return callers.get(this)?.signIn ?? null;
    },
    setter(this: FastifyRequest, signIn: SignIn | null) {
      set(this, { signIn });
    },
  });
}

async function identify(doors: Doors, exchange: Exchange): Promise<Caller> {
  const { request, reply } = exchange;
  const secret = readSecret(request);
  const ticket = secret === null ? readTicket(request) : null;
  try {
    if (ticket !== null) return await guarded(doors, request, ticket, () => identifyTicket(doors, ticket));
    if (secret === null) return await identifyBrowser(doors, exchange);
    const identity = await guarded(doors, request, secret, () => doors.keys.identify(secret));
    return { identity, signIn: null };
  } catch (error) {
    if (isRefusal(error)) reply.header('www-authenticate', 'Bearer realm="greenroom"');
    throw error;
  }
}

type Ticket = { ticket: string; sessionId: string | null };

/** As whoever asked for it, and no longer than what they asked with. */
async function identifyTicket({ db, keys, signIns }: Doors, ticket: Ticket): Promise<Caller> {
  const { apiKeyId, signInHash } = await redeemTicket(db, ticket);
  if (signInHash === null) return { identity: await keys.identifyHolder(apiKeyId), signIn: null };
  const signIn = await signIns.ring.find(signInHash);
  if (signIn === null) throw signedOut();
  return { identity: signIn.identity, signIn };
}

/** By the cookie; without one, the local user where there is one. */
async function identifyBrowser(doors: Doors, exchange: Exchange): Promise<Caller> {
  const { keys, signIns, cookie } = doors;
  const { request } = exchange;
  const secrets = cookie.read(request);
  const [signIn, other] = await findSignIns(signIns.ring, secrets);
  if (other !== undefined) throw ambiguous();
  if (signIn !== undefined) {
    requireSameOrigin(request);
    // Sent again by itself alone: another of the same name is not ours to write.
    if (secrets.length === 1 && (await renew(signIns, signIn))) cookie.set(secrets[0] ?? '', exchange);
    return { identity: signIn.identity, signIn };
  }
  const isDead = cookie.isSent(request);
  if (isDead) cookie.clear(exchange);
  if (isDead && keys.isNeeded) throw signedOut();
  return { identity: await keys.identify(null), signIn: null };
}

/** Those of a browser's cookies that are signed in. */
export async function findSignIns(ring: SignInRing, secrets: readonly string[]): Promise<SignIn[]> {
  const found = await Promise.all(secrets.map(async (secret) => await ring.find(hashOf(secret))));
  return found.filter((signIn) => signIn !== null);
}

function signedOut(): AppError {
  return new AppError('unauthorized', 'This browser is not signed in any more.', {
    hint: 'sign in again: POST /sign-in, or /console/sign-in',
  });
}

export function isRefusal(error: unknown): boolean {
  return error instanceof AppError && error.code === 'unauthorized';
}

/** Counts what opens nothing against the address that it came from, which may try only so often. */
export async function guarded<T>(
  { keys, throttle }: Pick<Doors, 'keys' | 'throttle'>,
  { ip }: Pick<FastifyRequest, 'ip'>,
  shown: string | Ticket,
  work: () => Promise<T>,
): Promise<T> {
  refuseGuessing({ keys, throttle }, ip, shown);
  try {
    return await work();
  } catch (error) {
    if (isRefusal(error)) throttle.noteFailure(ip);
    throw error;
  }
}

/** Keys that are in use here go on to be: whoever guesses does not lock their neighbours out. */
function refuseGuessing(
  { keys, throttle }: Pick<Doors, 'keys' | 'throttle'>,
  ip: string,
  shown: string | Ticket,
): void {
  if (typeof shown === 'string' && keys.isInUse(shown)) return;
  const seconds = throttle.retryAfterSeconds(ip);
  if (seconds === 0) return;
  throw new AppError('rate_limited', 'Too many requests with a wrong key came from this address.', {
    hint: 'check the key, and wait',
    retryAfterSeconds: seconds,
  });
}

/** What an `EventSource` has instead of a key, where the route takes one. */
function readTicket({ routeOptions, query, params }: FastifyRequest): Ticket | null {
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
}): RouteScope {
  if (config?.scope !== undefined) return config.scope;
  return method === 'GET' || method === 'HEAD' ? 'sessions:read' : 'sessions:write';
}

/** What the request came with as a key; null without any. */
function readSecret({ headers }: FastifyRequest): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  const header = headers['x-api-key'];
  return bearer ?? (typeof header === 'string' && header !== '' ? header : null);
}
