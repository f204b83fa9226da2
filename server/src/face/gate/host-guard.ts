import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { isLoopback } from '../../ground/config/config.ts';
import { AppError } from '../../ground/errors.ts';

/**
 * Which names the server answers to: otherwise any web page could reach it from a browser that can, under a name of its
 * own that points here (DNS rebinding). On loopback, where no key may be needed, only names of this machine and those
 * that were listed. Bound wider, where every request needs a key that no such page has, any name unless some are
 * listed; an address always, since rebinding needs a name, and probes have none.
 */
export function installHostGuard(
  app: FastifyInstance,
  config: { host: string; allowedHosts: string[] },
): void {
  const isLocal = isLoopback(config.host);
  if (!isLocal && config.allowedHosts.length === 0) return;
  app.addHook('onRequest', async ({ hostname }) => {
    const name = hostname.toLowerCase().replace(/^\[(.*)\]$/, '$1');
    const isOwn = isLoopback(name) || name.endsWith('.localhost') || (!isLocal && isIP(name) !== 0);
    if (isOwn || config.allowedHosts.includes(name)) return;
    throw new AppError('forbidden_host', `This server does not answer to the name "${hostname}".`, {
      hint: isLocal
        ? 'call it by localhost or 127.0.0.1, or list the name in GREENROOM_ALLOWED_HOSTS'
        : 'list the name in GREENROOM_ALLOWED_HOSTS',
    });
  });
}
