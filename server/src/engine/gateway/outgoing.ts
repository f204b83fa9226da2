import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { type ProxySettings, proxyFor } from '../../ground/util/outgoing-proxy.ts';

/** Of a connection that nobody uses, where the API does not say how long it keeps one. */
const KEEP_ALIVE_MS = 30_000;
// One connection for each request, as agents open them: with HTTP/2 all would share one, and break with it.
const options = { allowH2: false, keepAliveTimeout: KEEP_ALIVE_MS };

/** Connections to model APIs, through a proxy where one leads there. */
export class OutgoingConnections {
  readonly #settings: ProxySettings;
  readonly #direct = new Agent(options);
  readonly #proxies = new Map<string, ProxyAgent>();

  constructor(settings: ProxySettings) {
    this.#settings = settings;
  }

  to(url: URL): Dispatcher {
    const proxy = proxyFor(url, this.#settings);
    if (proxy === null) return this.#direct;
    const known = this.#proxies.get(proxy.href);
    if (known !== undefined) return known;
    const made = new ProxyAgent({ ...options, uri: proxy.href });
    this.#proxies.set(proxy.href, made);
    return made;
  }

  /** For people: the proxy's address, without what is secret. */
  proxyTo(url: URL): string | undefined {
    return proxyFor(url, this.#settings)?.host;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#direct, ...this.#proxies.values()].map(async (one) => await one.destroy()));
  }
}
