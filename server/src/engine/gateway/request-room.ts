import { Refusal } from './headers.ts';

const MEGABYTE = 1024 * 1024;

/** What an agent may take up of the gateway, and for how long. */
export type RequestLimits = {
  /** Of one agent, under way at once: its subagents ask side by side. */
  requests: number;
  /** Of one agent: bodies that are in memory, until their answers have ended. */
  bytes: number;
  /** On one agent's socket. */
  connections: number;
  /** Requests of one agent that wait for room; one connection can bring any number of them. */
  waiting: number;
  /** How long a request waits for others to make room. */
  patienceMs: number;
  /** How long a body may take to arrive. */
  bodyMs: number;
  /** How long a request's headers may take. */
  headersMs: number;
};

export const requestLimits: RequestLimits = {
  requests: 32,
  bytes: 64 * MEGABYTE,
  connections: 64,
  waiting: 64,
  patienceMs: 30_000,
  bodyMs: 30_000,
  headersMs: 10_000,
};

/** Bodies of all agents. An operator may say otherwise. */
export const DEFAULT_MEMORY = 512 * MEGABYTE;

type Waiting = { amount: number; admit: () => void };

/** So much of something, for whoever takes it first. Who asks for little need not wait behind who asks for much. */
export class Room {
  #left: number;
  readonly #waiting = new Set<Waiting>();

  constructor(size: number) {
    this.#left = size;
  }

  /** @returns what gives it back; null when there is not enough */
  tryTake(amount: number): Disposable | null {
    if (amount > this.#left) return null;
    this.#left -= amount;
    return { [Symbol.dispose]: () => this.#giveBack(amount) };
  }

  /** Waits until there is enough. Throws the reason of `signal`. */
  async take(amount: number, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const taken = this.tryTake(amount);
    if (taken !== null) return taken;
    await this.#wait(amount, signal);
    return { [Symbol.dispose]: () => this.#giveBack(amount) };
  }

  async #wait(amount: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { amount, admit: resolve };
    // At once: what it waits for must not be given to whoever has gone.
    const giveUp = (): void => {
      if (this.#waiting.delete(waiting)) reject(signal.reason);
    };
    this.#waiting.add(waiting);
    signal.addEventListener('abort', giveUp);
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  #giveBack(amount: number): void {
    this.#left += amount;
    for (const waiting of this.#waiting) {
      if (waiting.amount > this.#left) continue;
      this.#waiting.delete(waiting);
      this.#left -= waiting.amount;
      waiting.admit();
    }
  }
}

/** What one agent takes up of the gateway. */
export class AgentRoom {
  readonly #patienceMs: number;
  readonly #maxWaiting: number;
  #waiting = 0;
  readonly #requests: Room;
  readonly #bytes: Room;
  readonly #shared: Room;

  /** `shared`: bytes of all agents. */
  constructor({ requests, bytes, patienceMs, waiting }: RequestLimits, shared: Room) {
    this.#patienceMs = patienceMs;
    this.#maxWaiting = waiting;
    this.#requests = new Room(requests);
    this.#bytes = new Room(bytes);
    this.#shared = shared;
  }

  /** Room for a request with a body of `length` bytes, until it is disposed of. Throws a `Refusal` after some time. */
  async take(length: number, signal: AbortSignal): Promise<Disposable> {
    using taken = new DisposableStack();
    const wanted = [
      { room: this.#requests, amount: 1 },
      { room: this.#bytes, amount: length },
      { room: this.#shared, amount: length },
    ];
    // Only who waits needs a clock.
    let patience: AbortSignal | undefined;
    for (const { room, amount } of wanted) {
      let had = room.tryTake(amount);
      if (had === null) {
        patience ??= AbortSignal.timeout(this.#patienceMs);
        had = await this.#waitFor(room, amount, { signal, patience });
      }
      taken.use(had);
    }
    return taken.move();
  }

  async #waitFor(room: Room, amount: number, { signal, patience }: Patience): Promise<Disposable> {
    if (this.#waiting === this.#maxWaiting) throw noRoom();
    this.#waiting += 1;
    try {
      return await room.take(amount, AbortSignal.any([signal, patience]));
    } catch (error) {
      throw signal.aborted || !patience.aborted ? error : noRoom();
    } finally {
      this.#waiting -= 1;
    }
  }
}

type Patience = { signal: AbortSignal; patience: AbortSignal };

function noRoom(): Refusal {
  return new Refusal(429, 'rate_limit_error', 'too many or too large model requests are under way', 5);
}
