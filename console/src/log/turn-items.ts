import type { SessionEvent } from '@greenroom/client';
import type { PromptItem } from './item.ts';
import { type ItemLists, MAIN } from './item-lists.ts';

type PromptEvent = Extract<SessionEvent, { kind: 'prompt' }>;
type TurnEvent = Extract<SessionEvent, { kind: 'turn' }>;

/** Prompts and ends of turns. A prompt that waits behind others is shown where the agent got it. */
export class TurnItems {
  readonly #lists: ItemLists;
  /** Prompts that no agent has got yet, by turn; whether they are shown already. */
  readonly #queued = new Map<string, { item: PromptItem; isShown: boolean }>();
  /** What became part of another turn, by its own. */
  readonly #steered = new Map<string, PromptItem>();
  readonly #startedAt = new Map<string, number>();
  readonly #ended = new Set<string>();
  #running: string | null = null;

  constructor(lists: ItemLists) {
    this.#lists = lists;
  }

  hasEnded(turnId: string | null): boolean {
    return this.#ended.has(turnId ?? '');
  }

  takePrompt({ seq, at, turn_id: turnId, data }: PromptEvent): void {
    const isNext = this.#running === null && this.#queued.size === 0;
    const item: PromptItem = {
      kind: 'prompt',
      key: `${seq}`,
      seq,
      at: Date.parse(at),
      turnId,
      text: data.text,
      images: data.images,
      state: 'queued',
      delivery: data.delivery,
      turn: data.turn,
    };
    this.#queued.set(turnId ?? '', { item, isShown: isNext });
    if (isNext) this.#lists.push(MAIN, item);
  }

  takeTurn(event: TurnEvent): void {
    const turnId = event.turn_id ?? '';
    switch (event.data.phase) {
      case 'queued':
      case 'read':
      case 'continued':
        break;
      // Where a message stands among those that wait shows when it begins.
      case 'moved':
      case 'edited':
        this.#edit(turnId, event.data);
        break;
      case 'started':
        this.#running = turnId;
        this.#startedAt.set(turnId, Date.parse(event.at));
        this.#show(turnId, 'started');
        break;
      case 'steered':
        this.#show(turnId, 'steered');
        break;
      case 'returned':
        this.#takeBack(turnId);
        break;
      case 'ended':
        this.#end(turnId, event);
        break;
      default:
        event.data.phase satisfies never;
    }
  }

  #edit(turnId: string, { text, images, delivery }: TurnEvent['data']): void {
    const queued = this.#queued.get(turnId);
    if (queued === undefined) return;
    const { item: before } = queued;
    const item = {
      ...before,
      text: text ?? before.text,
      images: images ?? before.images,
      delivery: delivery ?? before.delivery,
    };
    this.#queued.set(turnId, { ...queued, item });
    if (queued.isShown) this.#lists.replace(item);
  }

  #show(turnId: string, state: PromptItem['state']): void {
    const queued = this.#queued.get(turnId);
    if (queued === undefined) return;
    this.#queued.delete(turnId);
    const item: PromptItem = { ...queued.item, state };
    if (state === 'steered') this.#steered.set(turnId, item);
    if (queued.isShown) this.#lists.replace(item);
    else this.#lists.push(MAIN, item);
  }

  /** The agent never read it: it waits again, where it is shown. */
  #takeBack(turnId: string): void {
    const steered = this.#steered.get(turnId);
    if (steered === undefined) return;
    const item: PromptItem = { ...steered, state: 'queued' };
    this.#steered.delete(turnId);
    this.#queued.set(turnId, { item, isShown: true });
    this.#lists.replace(item);
  }

  #end(turnId: string, { seq, at, data }: TurnEvent): void {
    if (this.#running === turnId) this.#running = null;
    this.#ended.add(turnId);
    const neverStarted = this.#queued.has(turnId);
    if (neverStarted) this.#show(turnId, 'taken_back');
    if (neverStarted && data.state === 'cancelled') return;
    const startedAt = this.#startedAt.get(turnId);
    this.#lists.push(MAIN, {
      kind: 'turn_end',
      key: `${seq}`,
      seq,
      at: Date.parse(at),
      turnId,
      turn: data.turn,
      state: data.state === 'error' || data.state === 'cancelled' ? data.state : 'completed',
      error: data.error,
      // Its beginning may lie on an older page.
      durationMs: data.duration_ms ?? (startedAt === undefined ? null : Date.parse(at) - startedAt),
      costUsd: data.cost_usd,
    });
  }
}
