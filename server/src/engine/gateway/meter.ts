import type { IncomingHttpHeaders } from 'node:http';
import type { SettledFree, Used } from './accounts.ts';
import type { ModelRequest } from './model-request.ts';
import { UsageTap } from './usage-tap.ts';
import { type Ending, usedBy } from './used.ts';

export type MeterEvents = {
  /** Told once, at the last event of a stream, or at the request's end. */
  onUsed: (used: Used | SettledFree) => void;
  /** A whole answer did not say what it used. */
  onUnsaid: () => void;
};

/** Follows one model request from its start to its end, and tells what it used. */
export class Meter {
  readonly #asked: ModelRequest;
  readonly #events: MeterEvents;
  readonly #startedAt = performance.now();
  #status: number | null = null;
  #tap: UsageTap | null = null;
  #isTold = false;

  constructor(asked: ModelRequest, events: MeterEvents) {
    this.#asked = asked;
    this.#events = events;
  }

  begin(status: number, headers: IncomingHttpHeaders): void {
    this.#status = status;
    const form = {
      contentType: String(headers['content-type'] ?? ''),
      contentEncoding: String(headers['content-encoding'] ?? ''),
      isStreamAsked: this.#asked.isStream,
    };
    this.#tap = new UsageTap(form, () => this.#tell('whole'));
  }

  observe(chunk: Buffer): void {
    this.#tap?.observe(chunk);
  }

  async end(ending: Ending): Promise<void> {
    await this.#tap?.end();
    this.#tell(ending);
  }

  #tell(ending: Ending): void {
    if (this.#isTold) return;
    this.#isTold = true;
    const tookMs = performance.now() - this.#startedAt;
    const seen = this.#tap?.seen ?? null;
    const used = usedBy({ asked: this.#asked, status: this.#status, seen, ending, tookMs });
    this.#events.onUsed(used);
    if (ending === 'whole' && 'isEstimated' in used && used.isEstimated) this.#events.onUnsaid();
  }
}
