import type { Logger } from '../../ground/log.ts';
import type { OutgoingConnections } from './outgoing.ts';
import type { Upstream } from './upstream.ts';

const QUIET_MS = 60_000;

/** What the log says of model APIs: not with every request, since agents repeat them. */
export class UpstreamLog {
  readonly #logger: Logger;
  readonly #connections: OutgoingConnections;
  readonly #failedAt = new Map<string, number>();
  readonly #unsaid = new Set<string>();

  constructor(logger: Logger, connections: OutgoingConnections) {
    this.#logger = logger;
    this.#connections = connections;
  }

  /** It could not be asked, was silent, or broke an answer off: said once a minute, with the cause. */
  failed({ baseUrl }: Upstream, error: unknown, message: string): void {
    const { origin } = baseUrl;
    const now = performance.now();
    const last = this.#failedAt.get(origin);
    if (last !== undefined && now - last < QUIET_MS) return;
    this.#failedAt.set(origin, now);
    const proxy = this.#connections.proxyTo(baseUrl);
    this.#logger.warn({ upstream: origin, proxy, err: error }, message);
  }

  /** A whole answer does not say what it used: said once. */
  unsaid({ baseUrl }: Upstream): void {
    const { origin } = baseUrl;
    if (this.#unsaid.has(origin)) return;
    this.#unsaid.add(origin);
    this.#logger.warn(
      { upstream: origin },
      'answers of this model API do not say what they used: they are charged by an estimate',
    );
  }
}
