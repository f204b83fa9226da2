import type { FastifyInstance } from 'fastify';
import { isLoopback } from '../config.ts';
import { AppError } from '../errors.ts';

/**
 * A server on loopback answers only to names of this machine: otherwise any web page could reach it from the browser of
 * whoever runs it, under a name of its own that points here (DNS rebinding).
 */
export function installHostGuard(
  app: FastifyInstance,
  config: { host: string; allowedHosts: string[] },
): void {
  app.addHook('onRequest', async (request) => {
    if (isLoopback(config.host) && !isAllowed(request.hostname, config.allowedHosts)) {
      throw new AppError('forbidden_host', `This server does not answer to the name "${request.hostname}".`, {
        hint: 'call it by localhost or 127.0.0.1, or list the name in GREENROOM_ALLOWED_HOSTS',
      });
    }
    if (request.method !== 'GET' && request.headers['sec-fetch-site'] === 'cross-site') {
      throw new AppError('forbidden_host', 'A page of another site may not change anything here.');
    }
  });
}

function isAllowed(hostname: string, allowed: readonly string[]): boolean {
  const name = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  return isLoopback(name) || name.endsWith('.localhost') || allowed.includes(name);
}
