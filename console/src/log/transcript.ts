import type { DeltaEvent, SessionEvent } from '@greenroom/client';
import { Agents } from './agents.ts';
import { CallItems } from './call-items.ts';
import { Drafts } from './drafts.ts';
import type { NoticeItem, TranscriptItem } from './item.ts';
import { ItemLists, MAIN } from './item-lists.ts';
import { MessageItems } from './message-items.ts';
import { readSdkMessage } from './sdk-message.ts';
import { TurnItems } from './turn-items.ts';

type TurnEvent = Extract<SessionEvent, { kind: 'turn' }>;

/** What was read of a log, from one event on without gaps, and the rows that it makes. */
export class Transcript {
  readonly #drafts = new Drafts();
  /** Rows that were shown while they were written keep their names. */
  readonly #names = new Map<string, string>();
  #events: SessionEvent[] = [];
  #view = this.#newView();

  get events(): readonly SessionEvent[] {
    return this.#events;
  }

  get lists(): ItemLists {
    return this.#view.lists;
  }

  get agents(): Agents {
    return this.#view.agents;
  }

  /** The next event of the log. */
  append(event: SessionEvent): void {
    this.#events.push(event);
    this.#project(event);
  }

  /** A piece of a message that is being written. `at`: when it came. */
  write(delta: DeltaEvent, at: number): void {
    const { data, turn_id: turnId } = delta;
    const { messages, calls, turns } = this.#view;
    const call = calls.find(data.tool?.id ?? '');
    const isStored =
      call === undefined ? data.index < messages.countBlocks(data.message_id) : call.seq !== null;
    const isLate = data.parent_tool_use_id === null && turns.hasEnded(turnId);
    if (isStored || isLate) return;
    this.#drafts.take(delta, this.lists, at);
  }

  /** Nothing more of them will come, as far as is known. */
  dropDrafts(): void {
    this.#drafts.dropAll(this.lists);
  }

  /** Whether something is shown that an interrupted agent was writing, and may still say. */
  get hasBrokenDrafts(): boolean {
    return this.#drafts.hasBroken;
  }

  dropBrokenDrafts(): void {
    this.#drafts.dropBroken(this.lists);
  }

  /** An older page: what was shown may mean something else now. Items that stay the same stay the same objects. */
  prepend(older: readonly SessionEvent[]): void {
    const before = this.#view;
    this.#events = [...older, ...this.#events];
    this.#view = this.#newView();
    for (const event of this.#events) this.#project(event);
    this.#drafts.restore(this.lists);
    keepObjects(before.lists, this.lists);
  }

  #newView() {
    const lists = new ItemLists();
    const agents = new Agents();
    const calls = new CallItems(lists);
    const messages = new MessageItems({ lists, agents, calls, drafts: this.#drafts, names: this.#names });
    return { lists, agents, calls, messages, turns: new TurnItems(lists) };
  }

  #stopWork({ turn_id: turnId, at }: TurnEvent, { isInterrupted }: { isInterrupted: boolean }): void {
    const { lists, calls, agents } = this.#view;
    calls.endTurn(turnId, Date.parse(at));
    agents.endForeground(Date.parse(at));
    this.#drafts.endTurn(turnId, isInterrupted, lists);
  }

  /** Another process goes on with the turn: what the one before had begun and not finished never comes. */
  #goOn(event: TurnEvent): void {
    const { lists, messages } = this.#view;
    this.#stopWork(event, { isInterrupted: false });
    messages.withdraw(event.data.lost ?? []);
    lists.push(MAIN, noticeOf(event));
  }

  #project(event: SessionEvent): void {
    const { lists, calls, messages, turns } = this.#view;
    lists.seq = event.seq;
    switch (event.kind) {
      case 'prompt':
        turns.takePrompt(event);
        break;
      case 'turn':
        if (event.data.phase === 'ended') {
          this.#stopWork(event, { isInterrupted: event.data.state === 'cancelled' });
        }
        if (event.data.phase === 'continued') this.#goOn(event);
        turns.takeTurn(event);
        break;
      case 'approval':
        calls.takeApproval(event);
        break;
      case 'session':
        takeSession(event, lists);
        break;
      case 'sdk': {
        const message = readSdkMessage(event.data);
        if (message !== null) messages.take(message, event);
        break;
      }
      default:
        // A kind that a newer server has.
        event satisfies never;
    }
  }
}

function noticeOf({ seq, at, turn_id: turnId, data }: TurnEvent): NoticeItem {
  const isTold = data.continued_by === 'note';
  const notice = { code: 'wentOn' as const, tone: isTold ? ('warning' as const) : ('plain' as const) };
  const values = { reason: data.reason ?? 'server_stopped', by: data.continued_by ?? 'request' };
  return { kind: 'notice', key: `${seq}`, seq, at: Date.parse(at), turnId, notice: { ...notice, values } };
}

function takeSession(event: Extract<SessionEvent, { kind: 'session' }>, lists: ItemLists): void {
  const { warning, forked_from: origin } = event.data;
  const placed = { kind: 'notice' as const, seq: event.seq, at: Date.parse(event.at), turnId: event.turn_id };
  if (origin !== undefined) {
    const values = { session: origin.session_id, seq: origin.seq };
    const notice = { code: 'forked' as const, tone: 'plain' as const, values };
    lists.push(MAIN, { ...placed, key: `${event.seq}:fork`, notice });
  }
  if (warning !== undefined) {
    const notice = { code: 'text' as const, tone: 'warning' as const, values: { text: warning } };
    lists.push(MAIN, { ...placed, key: `${event.seq}`, notice });
  }
}

function keepObjects(before: ItemLists, after: ItemLists): void {
  for (const list of before.names()) {
    for (const key of before.order(list)) if (after.get(key) === undefined) after.forget(key);
  }
  for (const list of after.names()) {
    for (const key of after.order(list)) {
      const [old, item] = [before.get(key), after.get(key)];
      if (old !== undefined && item !== undefined && isSame(old, item)) after.keep(old);
    }
  }
}

function isSame(one: TranscriptItem, other: TranscriptItem): boolean {
  return isShallowEqual({ ...one, call: null }, { ...other, call: null }) && isSameCall(one, other);
}

function isSameCall(one: TranscriptItem, other: TranscriptItem): boolean {
  if (one.kind !== 'tool' || other.kind !== 'tool') return true;
  return isShallowEqual(one.call, other.call);
}

function isShallowEqual(one: object, other: object): boolean {
  const [a, b] = [Object.entries(one), other as Record<string, unknown>];
  return a.length === Object.keys(b).length && a.every(([name, value]) => Object.is(value, b[name]));
}
