import type { Approval, SessionEvent } from '@greenroom/client';
import type { ToolCall, ToolItem } from './item.ts';
import { type ItemLists, MAIN } from './item-lists.ts';

type ApprovalEvent = Extract<SessionEvent, { kind: 'approval' }>;

/** Tool calls from their first word to their result, with what people said about them. */
export class CallItems {
  readonly #lists: ItemLists;
  /** Calls without a result, and the turn that they are of. */
  readonly #open = new Map<string, string | null>();
  readonly #refused = new Set<string>();

  constructor(lists: ItemLists) {
    this.#lists = lists;
  }

  find(callId: string): ToolItem | undefined {
    const item = this.#lists.get(keyOf(callId));
    return item?.kind === 'tool' ? item : undefined;
  }

  begin(list: string, placed: Omit<ToolItem, 'kind' | 'key' | 'call'>, call: ToolCall): void {
    this.#open.set(call.id, placed.turnId);
    this.#lists.push(list, { kind: 'tool', key: keyOf(call.id), ...placed, call });
  }

  end(callId: string, result: Pick<ToolCall, 'output' | 'details' | 'endedAt'> & { isError: boolean }): void {
    const { isError, ...outcome } = result;
    const state = !isError ? 'done' : this.#refused.has(callId) ? 'denied' : 'failed';
    this.#open.delete(callId);
    this.#change(callId, { ...outcome, state });
  }

  refuse(callId: string): void {
    this.#refused.add(callId);
    this.#change(callId, { state: 'denied' });
  }

  /** What has no result when its turn ends never gets one. */
  endTurn(turnId: string | null, at: number): void {
    for (const [callId, of] of this.#open) {
      if (of !== turnId) continue;
      this.#open.delete(callId);
      const state = this.#refused.has(callId) ? 'denied' : 'unknown';
      this.#change(callId, { state, endedAt: at });
    }
  }

  takeApproval({ seq, at, turn_id: turnId, data }: ApprovalEvent): void {
    const { approval, phase } = data;
    const key = `approval:${approval.approval_id}`;
    const list = this.#lists.listOf(keyOf(approval.tool_use_id)) ?? MAIN;
    const known = this.#lists.get(key);
    const item = { kind: 'approval' as const, key, seq, at: Date.parse(at), turnId, approval };
    if (known === undefined) this.#lists.push(list, item);
    else this.#lists.replace({ ...item, seq: known.seq, at: known.at });
    this.#lists.touch(list);
    if (phase === 'requested') this.#change(approval.tool_use_id, { state: 'waiting' });
    else this.#decide(approval, Date.parse(at));
  }

  #decide({ status, tool_use_id: callId }: Approval, at: number): void {
    if (status === 'denied' || status === 'expired') this.refuse(callId);
    else if (status !== 'withdrawn' && this.#open.has(callId)) {
      this.#change(callId, { state: 'running', startedAt: at });
    }
  }

  #change(callId: string, change: Partial<ToolCall>): void {
    const item = this.find(callId);
    if (item !== undefined) this.#lists.replace({ ...item, call: { ...item.call, ...change } });
  }
}

export function keyOf(callId: string): string {
  return `call:${callId}`;
}
