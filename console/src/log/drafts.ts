import type { DeltaEvent } from '@greenroom/client';
import { keyOf } from './call-items.ts';
import type { TranscriptItem } from './item.ts';
import { type ItemLists, MAIN } from './item-lists.ts';

type Piece = DeltaEvent['data'];

type Block = { first: Piece; text: string; length: number; at: number };
/** A message that is being written, by the agent or by one of its subagents. */
type Draft = { messageId: string; turnId: string | null; blocks: Map<number, Block> };

/** Messages while they are being written, from the pieces of the stream. The whole message takes their place. */
export class Drafts {
  readonly #drafts = new Map<string, Draft>();
  readonly #broken = new Set<Draft>();
  /** Messages of which pieces came, the latest of each list: a stored one that is late does not end what follows. */
  readonly #seen = new Set<string>();

  take({ turn_id: turnId, data }: DeltaEvent, lists: ItemLists, at: number): void {
    const list = data.parent_tool_use_id ?? MAIN;
    let draft = this.#drafts.get(list);
    if (draft?.messageId !== data.message_id) {
      this.drop(list, lists);
      draft = { messageId: data.message_id, turnId, blocks: new Map() };
      this.#drafts.set(list, draft);
      this.#seen.add(data.message_id);
    }
    const block = grow(draft.blocks.get(data.index), data, at);
    draft.blocks.set(data.index, block);
    lists.draft(list, toItem(block, draft));
  }

  /** A block came whole. @returns the key that its pieces were shown under */
  settle(list: string, messageId: string, index: number): string | null {
    const draft = this.#drafts.get(list);
    if (draft?.messageId !== messageId || !draft.blocks.delete(index)) return null;
    return `${messageId}:${index}`;
  }

  /** A message came whole of which there were no pieces: what was being written before was broken off. */
  begin(list: string, messageId: string, lists: ItemLists): void {
    const draft = this.#drafts.get(list);
    if (draft !== undefined && draft.messageId !== messageId && !this.#seen.has(messageId)) {
      this.drop(list, lists);
    }
  }

  /** An interrupted agent still says what it had: until then (`dropBroken`) its words stay where they are. */
  endTurn(turnId: string | null, isInterrupted: boolean, lists: ItemLists): void {
    for (const [list, draft] of this.#drafts) {
      if (draft.turnId !== turnId) continue;
      if (isInterrupted) this.#broken.add(draft);
      else this.drop(list, lists);
    }
  }

  get hasBroken(): boolean {
    return this.#broken.size > 0;
  }

  dropBroken(lists: ItemLists): void {
    for (const [list, draft] of this.#drafts) if (this.#broken.has(draft)) this.drop(list, lists);
    this.#broken.clear();
  }

  drop(list: string, lists: ItemLists): void {
    const draft = this.#drafts.get(list);
    this.#drafts.delete(list);
    for (const block of draft?.blocks.values() ?? []) lists.remove(keyOfBlock(block.first));
  }

  dropAll(lists: ItemLists): void {
    for (const list of [...this.#drafts.keys()]) this.drop(list, lists);
  }

  /** Shows them in lists that were made anew. */
  restore(lists: ItemLists): void {
    for (const [list, draft] of this.#drafts) {
      for (const block of draft.blocks.values()) lists.draft(list, toItem(block, draft));
    }
  }
}

/** Pieces may come twice, or be missing: then it shows what there is, the whole message will come. */
function grow(block: Block | undefined, piece: Piece, at: number): Block {
  const known = block ?? { first: piece, text: '', length: 0, at };
  const missing = piece.offset - known.length;
  const end = piece.offset + piece.text.length;
  if (end <= known.length) return known;
  // What JSON text there is after a gap says nothing.
  if (missing > 0 && piece.block === 'tool_input') return known;
  const text = missing > 0 ? `…${piece.text}` : piece.text.slice(-missing || 0);
  return { ...known, text: known.text + text, length: end };
}

function toItem({ first, text, at }: Block, { turnId }: Draft): TranscriptItem {
  const placed = { key: keyOfBlock(first), seq: null, at, turnId };
  switch (first.block) {
    case 'text':
      return { kind: 'text', ...placed, text, isStreaming: true };
    case 'thinking':
      return { kind: 'thinking', ...placed, text, isStreaming: true, endedAt: null };
    case 'tool_input':
      return {
        kind: 'tool',
        ...placed,
        call: {
          id: first.tool?.id ?? '',
          name: first.tool?.name ?? '',
          state: 'writing',
          input: null,
          inputText: text,
          output: null,
          details: null,
          startedAt: null,
          endedAt: null,
          parentId: first.parent_tool_use_id,
        },
      };
    default:
      return first.block satisfies never;
  }
}

function keyOfBlock({ block, tool, message_id: messageId, index }: Piece): string {
  return block === 'tool_input' && tool !== null ? keyOf(tool.id) : `${messageId}:${index}`;
}
