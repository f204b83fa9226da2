import type { FastifyRequest } from 'fastify';
import { AppError } from '../../ground/errors.ts';

type Asked = Pick<FastifyRequest, 'method' | 'protocol' | 'host' | 'headers'>;

/**
 * Refuses what a page of another origin makes a browser send: what comes with a cookie must come from this server's own
 * pages. SameSite does not do for that: other ports of the host and other subdomains are of the same site. Which origins
 * may use a key (`GREENROOM_CORS_ORIGINS`) does not matter here.
 */
export function requireSameOrigin(request: Asked): void {
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead ? mayRead(request) : mayChange(request)) return;
  throw new AppError('forbidden_origin', 'A browser may do this only from pages of this server.', {
    hint: 'from elsewhere, send an API key as `Authorization: Bearer grk_…`, and no cookie',
  });
}

/** Browsers say where each change comes from; what says nothing is none that a cookie is for. */
function mayChange(request: Asked): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (site !== undefined && site !== 'same-origin') return false;
  return origin === undefined ? site === 'same-origin' : isOwn(origin, request);
}

/** `none` is the address bar. */
function mayRead(request: Asked): boolean {
  const { origin, 'sec-fetch-site': site } = request.headers;
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return false;
  return origin === undefined || isOwn(origin, request);
}

/** A server that sees http may have a proxy before it that speaks https. */
function isOwn(origin: string, { protocol, host }: Asked): boolean {
  if (!URL.canParse(origin)) return false;
  const url = new URL(origin);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && protocol === 'http')) return false;
  return url.host === hostWithout(host.toLowerCase(), url.protocol === 'https:' ? ':443' : ':80');
}

function hostWithout(host: string, port: string): string {
  return host.endsWith(port) ? host.slice(0, -port.length) : host;
}
