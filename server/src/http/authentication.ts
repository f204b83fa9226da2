import type { FastifyInstance } from 'fastify';
import { type Identity, LOCAL_USER, type Scope } from '../api-key/identity.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who makes the request. */
    identity: Identity;
  }
  interface FastifyContextConfig {
    /** What a key must have to use the route; null lets everybody in. Left out: `sessions:read` for GET and HEAD, else `sessions:write`. */
    scope?: Scope | null;
  }
}

/** Says who makes each request, before its handler runs. */
export function installAuthentication(app: FastifyInstance): void {
  app.decorateRequest('identity', {
    getter: () => LOCAL_USER,
  });
}
