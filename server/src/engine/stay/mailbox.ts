import { PushQueue } from '../../ground/util/push-queue.ts';
import type { SeatedAgent } from '../seat/seated-agent.ts';
import type { Input } from './step.ts';

/** An input, or (null) nothing but a question when all before it is done; and who is to know when all that it caused is. */
export type Letter = { input: Input | null; of: SeatedAgent | null; taken: () => void };

/** Whatever happens to a session that is here comes in by this, and one letter is dealt with after the other. */
export class Mailbox {
  readonly #letters = new PushQueue<Letter>();
  #isClosed = false;

  /** Nobody deals with letters any more: whoever waits for one to be dealt with need not. */
  close(): void {
    this.#isClosed = true;
    this.#letters.end();
    void (async () => {
      for await (const { taken } of this.#letters) taken();
    })();
  }

  put(letter: Letter): void {
    if (this.#isClosed) letter.taken();
    else this.#letters.push(letter);
  }

  /** Resolves when it was dealt with. */
  async post(input: Input | null, of: SeatedAgent | null = null): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.put({ input, of, taken: resolve });
    await promise;
  }

  tell(input: Input): void {
    void this.post(input);
  }

  [Symbol.asyncIterator](): AsyncIterator<Letter, void> {
    return this.#letters[Symbol.asyncIterator]();
  }
}
