import { isIPv6 } from 'node:net';
import { isAddressIn } from './ip-address.ts';

/** Proxies that lead out of this network, as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` name them. */
export type ProxySettings = {
  httpProxy: string | null;
  httpsProxy: string | null;
  /** Hosts that are reached without: `example.com` with all below it, `*`, addresses, ranges; each may have a port. */
  noProxy: readonly string[];
};

export const noProxies: ProxySettings = { httpProxy: null, httpsProxy: null, noProxy: [] };

/** The proxy that leads to a URL; null where it is reached directly, as this machine always is. */
export function proxyFor(url: URL, { httpProxy, httpsProxy, noProxy }: ProxySettings): URL | null {
  const proxy = url.protocol === 'https:' ? httpsProxy : httpProxy;
  if (proxy === null || isLoopback(bareHost(url))) return null;
  return noProxy.some((entry) => covers(entry, url)) ? null : new URL(proxy);
}

/** What proves to a proxy who asks. */
export function proxyAuthorization(proxy: URL): string | null {
  if (proxy.username === '') return null;
  const pair = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  return `Basic ${Buffer.from(pair).toString('base64')}`;
}

/** The same settings, for the environment of a program. */
export function proxyEnvironment({ httpProxy, httpsProxy, noProxy }: ProxySettings): Record<string, string> {
  const direct = ['localhost', '127.0.0.1', '::1', ...noProxy].join();
  return {
    ...(httpProxy === null ? {} : { HTTP_PROXY: httpProxy, http_proxy: httpProxy }),
    ...(httpsProxy === null ? {} : { HTTPS_PROXY: httpsProxy, https_proxy: httpsProxy }),
    ...((httpProxy ?? httpsProxy) ? { NO_PROXY: direct, no_proxy: direct, NODE_USE_ENV_PROXY: '1' } : {}),
  };
}

function isLoopback(host: string): boolean {
  return /(^|\.)localhost$/.test(host) || isAddressIn(host, ['127.0.0.0/8', '::1']);
}

function covers(entry: string, url: URL): boolean {
  // An IPv6 address has its port behind brackets; without them, all its colons are its own.
  const [, host = entry, port] = isIPv6(entry) ? [] : (/^(.+?)(?::(\d+))?$/.exec(entry) ?? []);
  if (port !== undefined && port !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
  const asked = bareHost(url);
  const name = host.toLowerCase().replace(/^\*?\.|\.$/g, '');
  if (name === '*' || name === asked) return true;
  return asked.endsWith(`.${name}`) || isAddressIn(asked, [host.replace(/^\[(.*)\]$/, '$1')]);
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
}
