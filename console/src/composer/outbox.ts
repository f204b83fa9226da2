import type { ContentBlock, MessageRequest, Turn, WholeTurn } from '@greenroom/client';
import { KeyedStore } from '../util/keyed-store.ts';
import { type Outgoing, outgoing } from './drafts.ts';

/*
 * What was written is sent from here: one after the other, so that it arrives in the order in which it was sent.
 *
 *   waiting ──its turn──▶ sending ──202──▶ sent        shown until the log has it
 *      ▲                     │ ├──no answer, or "later"──▶ unsent     holds those behind it; sent again by itself for a
 *      └─────retry───────────┘ │                                      while, with the same key, so it arrives once
 *                              └──the server says no──▶ refused       those behind it go on
 *
 * All but `sent` is in storage: whoever comes back finds it.
 */

export type SendState =
  | { name: 'waiting' }
  | { name: 'sending' }
  | { name: 'sent'; turn: Turn }
  | { name: 'unsent' | 'refused'; error: unknown };

export type OutboxParts = {
  send(sessionId: string, message: MessageRequest, key: string): Promise<Turn>;
  readTurn(sessionId: string, turnId: string): Promise<WholeTurn>;
  imageData(id: string): string | null;
  /** Whether the same may go through later: the server is away, or busy, or wants a key. */
  isPassing(error: unknown): boolean;
  onSent(sessionId: string, message: Outgoing, turn: Turn): void;
  now(): number;
};

/** After that it is not sent again by itself: who comes back hours later may mean something else. */
export const RETRY_MS = 10 * 60_000;

export class Outbox {
  /** By the message's key. */
  readonly states = new KeyedStore<SendState>();
  /** By session: what has arrived, and the log does not have yet. */
  readonly sent = new KeyedStore<readonly { message: Outgoing; turn: Turn }[]>();
  readonly #parts: OutboxParts;
  readonly #busy = new Set<string>();

  constructor(parts: OutboxParts) {
    this.#parts = parts;
  }

  stateOf(key: string): SendState {
    return this.states.get(key) ?? { name: 'waiting' };
  }

  /** Sends what is there of a session. One run at a time; what comes meanwhile is part of it. */
  async run(sessionId: string): Promise<void> {
    if (this.#busy.has(sessionId)) return;
    this.#busy.add(sessionId);
    try {
      for (;;) {
        const next = outgoing.get(sessionId).find(({ key }) => this.stateOf(key).name !== 'refused');
        if (next === undefined || !(await this.#send(sessionId, next))) return;
      }
    } finally {
      this.#busy.delete(sessionId);
    }
  }

  /** What was left when the page was closed, or the server was away: as far as it is still young. */
  async resume(sessionId: string): Promise<void> {
    const oldest = outgoing.get(sessionId).find(({ key }) => this.stateOf(key).name !== 'refused');
    if (oldest !== undefined && this.#parts.now() - oldest.at < RETRY_MS) await this.run(sessionId);
  }

  async retry(sessionId: string, key: string): Promise<void> {
    this.states.set(key, { name: 'waiting' });
    await this.run(sessionId);
  }

  /** Takes it out, to be edited or thrown away. Not while it is on its way. */
  take(sessionId: string, key: string): Outgoing | null {
    if (this.stateOf(key).name === 'sending') return null;
    const message = outgoing.get(sessionId).find((other) => other.key === key) ?? null;
    this.#remove(sessionId, key);
    return message;
  }

  /** The log has it, and shows it. */
  forgetSent(sessionId: string, turnIds: ReadonlySet<string>): void {
    const sent = this.sent.get(sessionId) ?? [];
    const left = sent.filter(({ turn }) => !turnIds.has(turn.turn_id));
    if (left.length === sent.length) return;
    this.sent.set(sessionId, left.length === 0 ? undefined : left);
  }

  async #send(sessionId: string, message: Outgoing): Promise<boolean> {
    this.states.set(message.key, { name: 'sending' });
    try {
      const body = await this.#bodyOf(sessionId, message);
      const turn = await this.#parts.send(sessionId, body, message.key);
      this.sent.set(sessionId, [...(this.sent.get(sessionId) ?? []), { message, turn }]);
      this.#remove(sessionId, message.key);
      this.#parts.onSent(sessionId, message, turn);
      return true;
    } catch (error) {
      const isPassing = this.#parts.isPassing(error);
      this.states.set(message.key, { name: isPassing ? 'unsent' : 'refused', error });
      return !isPassing;
    }
  }

  async #bodyOf(sessionId: string, { text, images, turnId, delivery }: Outgoing): Promise<MessageRequest> {
    const old = turnId === null ? null : (await this.#parts.readTurn(sessionId, turnId)).content;
    const blocks: ContentBlock[] = [
      ...(old ?? []).filter((block) => block.type === 'image'),
      ...images.map(({ id, name, type }) => toBlock(this.#parts.imageData(id), { name, type })),
    ];
    if (blocks.length === 0) return { prompt: text, delivery };
    const words: ContentBlock[] = text.trim() === '' ? [] : [{ type: 'text', text }];
    return { content: [...words, ...blocks], delivery };
  }

  #remove(sessionId: string, key: string): void {
    outgoing.change(sessionId, (list) => {
      const left = list.filter((other) => other.key !== key);
      return left.length === 0 ? null : left;
    });
    this.states.set(key, undefined);
  }
}

/** An image of the message is no longer here. */
export class LostImageError extends Error {}

function toBlock(
  data: string | null,
  { name, type }: { name: string; type: Extract<ContentBlock, { type: 'image' }>['source']['media_type'] },
): ContentBlock {
  if (data === null) throw new LostImageError(name);
  return { type: 'image', source: { type: 'base64', media_type: type, data } };
}
