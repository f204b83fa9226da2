import type { EventDraft } from '../../session/event/event.ts';
import type { EventLog } from '../../session/event/event-log.ts';
import type { HeldSession } from '../hold/held-session.ts';

/** Stores what an agent says, in order. */
export class MessageLog {
  readonly #held: HeldSession;
  readonly #eventLog: EventLog;
  readonly #onFailure: (error: unknown) => void;
  #stored = Promise.resolve();

  constructor(held: HeldSession, eventLog: EventLog, onFailure: (error: unknown) => void) {
    this.#held = held;
    this.#eventLog = eventLog;
    this.#onFailure = onFailure;
  }

  /** Resolves when everything that was said so far is stored, or nothing can be. */
  get stored(): Promise<void> {
    return this.#stored;
  }

  append(drafts: readonly EventDraft[]): void {
    this.#stored = this.#append(drafts);
  }

  async #append(drafts: readonly EventDraft[]): Promise<void> {
    const { id, fence } = this.#held;
    const before = this.#stored;
    try {
      const stored = Promise.all(drafts.map((draft) => this.#eventLog.append(id, fence, draft)));
      await this.#held.waitFor(stored);
      await before;
    } catch (error) {
      this.#onFailure(error);
    }
  }
}
