import type { SessionEvent } from '@greenroom/client';
import { type Agents, isAgentTool } from './agents.ts';
import type { CallItems } from './call-items.ts';
import type { Drafts } from './drafts.ts';
import type { Notice } from './item.ts';
import { type ItemLists, MAIN } from './item-lists.ts';
import type { Block, SdkMessage } from './sdk-message.ts';

type SdkEvent = Extract<SessionEvent, { kind: 'sdk' }>;
type Assistant = Extract<SdkMessage, { type: 'assistant' }>;
type User = Extract<SdkMessage, { type: 'user' }>;

export type MessageParts = {
  lists: ItemLists;
  agents: Agents;
  calls: CallItems;
  drafts: Drafts;
  names: Map<string, string>;
};

/** What the agent said, and what it was given: one item for each block that shows something. */
export class MessageItems {
  readonly #parts: MessageParts;
  /** Items by the message that they are of: it may be withdrawn. */
  readonly #keys = new Map<string, string[]>();
  readonly #blocks = new Map<string, number>();
  /** When something last happened, by list: what thinking is counted from. */
  readonly #lastAt = new Map<string, number>();
  #lastRetry: string | null = null;

  constructor(parts: MessageParts) {
    this.#parts = parts;
  }

  /** How many blocks of a message have come whole: each comes in a message of its own, in order. */
  countBlocks(messageId: string): number {
    return this.#blocks.get(messageId) ?? 0;
  }

  take(message: SdkMessage, event: SdkEvent): void {
    const at = Date.parse(event.at);
    const { agents, calls } = this.#parts;
    switch (message.type) {
      case 'assistant':
        this.#takeAssistant(message, event, at);
        break;
      case 'user':
        this.#takeUser(message, event, at);
        break;
      case 'task_started':
        if (message.fields.task_type === 'local_agent') agents.start(message.callId, message.fields, at);
        break;
      case 'task_ended':
        agents.end(message.callId, message.status, at);
        break;
      case 'permission_denied':
        calls.refuse(message.callId);
        break;
      case 'retraction':
        this.withdraw(message.uuids);
        this.#note(message.notice, event, at);
        break;
      case 'notice':
        this.#note(message.notice, event, at);
        break;
      default:
        message satisfies never;
    }
  }

  #takeAssistant(message: Assistant, event: SdkEvent, at: number): void {
    const { drafts, agents, lists } = this.#parts;
    const list = message.parentId ?? MAIN;
    // Said again by an agent that goes on after a restart.
    if (this.#isKnown(message.uuid)) return;
    this.withdraw(message.supersedes);
    drafts.begin(list, message.messageId, lists);
    if (message.parentId !== null) agents.speak(message.parentId, message.agent, at);
    message.blocks.forEach((block, position) => {
      const index = this.countBlocks(message.messageId);
      this.#blocks.set(message.messageId, index + 1);
      const draftKey = drafts.settle(list, message.messageId, index);
      const key = this.#nameOf(`${event.seq}:${position}`, draftKey);
      const shown = message.isApiError && message.parentId === null ? null : block;
      if (shown !== null) this.#takeBlock(shown, { message, event, at, key, list });
      if (draftKey !== null && this.#isLeftOver(draftKey)) lists.remove(draftKey);
    });
    this.#lastAt.set(list, at);
    if (list === MAIN) this.#lastRetry = null;
  }

  #takeBlock(
    block: Block,
    of: { message: Assistant; event: SdkEvent; at: number; key: string; list: string },
  ): void {
    const { lists, calls } = this.#parts;
    const { message, event, at, key, list } = of;
    const placed = { seq: event.seq, at, turnId: event.turn_id };
    switch (block.type) {
      case 'text':
        if (block.text.trim() === '') return;
        lists.push(list, { kind: 'text', key, ...placed, text: block.text, isStreaming: false });
        break;
      case 'thinking': {
        const began = message.thinkingMs === null ? this.#lastAt.get(list) : at - message.thinkingMs;
        const times = { at: began ?? at, endedAt: at };
        lists.push(list, {
          kind: 'thinking',
          key,
          ...placed,
          ...times,
          text: block.text,
          isStreaming: false,
        });
        break;
      }
      case 'call':
        this.#takeCall(block, of);
        return;
      case 'result':
        calls.end(block.callId, {
          output: block.output,
          details: null,
          endedAt: at,
          isError: block.isError,
        });
        return;
      case 'other':
        return;
      default:
        block satisfies never;
    }
    this.#keys.get(message.uuid)?.push(key);
  }

  #takeCall(
    block: Extract<Block, { type: 'call' }>,
    { message, event, at, list }: { message: Assistant; event: SdkEvent; at: number; list: string },
  ): void {
    const { agents, calls } = this.#parts;
    const { id, name, input } = block;
    const { parentId } = message;
    const known = calls.find(id);
    // An agent that goes on after a question may say the call again: it is the same.
    if (known !== undefined && known.call.state !== 'writing') return;
    const placed = { seq: event.seq, at, turnId: event.turn_id };
    const times = { startedAt: at, endedAt: null };
    const call = { id, name, state: 'running' as const, input, inputText: '', output: null, details: null };
    if (parentId !== null) agents.countStep(parentId, at);
    calls.begin(list, placed, { ...call, ...times, parentId });
    if (isAgentTool(name)) agents.call(id, parentId, { input, at });
    this.#keys.get(message.uuid)?.push(`call:${id}`);
  }

  #takeUser(message: User, event: SdkEvent, at: number): void {
    const { calls, agents, lists } = this.#parts;
    const list = message.parentId ?? MAIN;
    if (this.#isKnown(message.uuid)) return;
    for (const callId of message.refused) calls.refuse(callId);
    const results = message.blocks.filter((block) => block.type === 'result');
    for (const { callId, output, isError } of results) {
      const details = results.length === 1 ? message.details : null;
      calls.end(callId, { output, details, endedAt: at, isError });
      const agent = agents.get(callId);
      if (agent?.isBackgrounded === false) agents.end(callId, isError ? 'failed' : 'completed', at);
    }
    if (message.parentId !== null) {
      agents.speak(message.parentId, message.agent, at);
      if (lists.order(list).length === 0) this.#takeTask(message, event, list);
    }
    this.#lastAt.set(list, at);
  }

  /** What a subagent was told to do. */
  #takeTask({ blocks }: User, { seq, at, turn_id: turnId }: SdkEvent, list: string): void {
    const text = blocks.map((block) => (block.type === 'text' ? block.text : '')).join('\n');
    if (text.trim() === '') return;
    const placed = { key: `${seq}`, seq, at: Date.parse(at), turnId };
    const told = { images: 0, state: 'started' as const, turn: null };
    this.#parts.lists.push(list, { kind: 'prompt', ...placed, ...told, text, delivery: 'agent' });
  }

  /** Tries of the same request are one row, which says how many there were. */
  #note(notice: Notice, { seq, turn_id: turnId }: SdkEvent, at: number): void {
    const { lists } = this.#parts;
    const known = notice.code === 'retry' ? lists.get(this.#lastRetry ?? '') : undefined;
    if (known?.kind === 'notice') lists.replace({ ...known, notice });
    else lists.push(MAIN, { kind: 'notice', key: `${seq}`, seq, at, turnId, notice });
    if (notice.code === 'retry') this.#lastRetry = known?.key ?? `${seq}`;
  }

  #isKnown(uuid: string): boolean {
    const isKnown = uuid !== '' && this.#keys.has(uuid);
    if (!isKnown) this.#keys.set(uuid, []);
    return isKnown;
  }

  /** Messages that are no part of the conversation any more. */
  withdraw(uuids: readonly string[]): void {
    for (const uuid of uuids) {
      for (const key of this.#keys.get(uuid) ?? []) this.#parts.lists.remove(key);
    }
  }

  #nameOf(name: string, draftKey: string | null): string {
    if (draftKey !== null) this.#parts.names.set(name, draftKey);
    return this.#parts.names.get(name) ?? name;
  }

  #isLeftOver(draftKey: string): boolean {
    const item = this.#parts.lists.get(draftKey);
    return item !== undefined && item.seq === null;
  }
}
