import { z } from 'zod';
import type { DeltaSignal } from '../../session/event/delta.ts';
import type { AgentMessage } from '../agent/agent-process.ts';

// What of the model API's stream matters here; the rest is let through unread.
const blockStart = z.object({
  type: z.literal('content_block_start'),
  index: z.number(),
  content_block: z.looseObject({ type: z.string(), id: z.string().optional(), name: z.string().optional() }),
});
const blockDelta = z.object({
  type: z.literal('content_block_delta'),
  index: z.number(),
  delta: z.object({
    text: z.string().optional(),
    thinking: z.string().optional(),
    partial_json: z.string().optional(),
  }),
});
const streamEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('message_start'), message: z.object({ id: z.string() }) }),
  blockStart,
  blockDelta,
  z.object({ type: z.literal('message_stop') }),
]);

type Block = Pick<DeltaSignal, 'index' | 'block' | 'tool' | 'offset'> & {
  waiting: string;
  isAnnounced: boolean;
};

/** A message that is being written, by the agent or (`parentToolUseId`) by one of its subagents. */
type Draft = Pick<DeltaSignal, 'turnId' | 'messageId' | 'parentToolUseId'> & {
  blocks: Map<number, Block>;
  sentAt: number;
  timer: NodeJS.Timeout | null;
};

const INTERVAL_MS = 150;
/** UTF-16 units; the worst of them takes six bytes in a signal, which has room for 7.9 KB. */
const MAX_PIECE = 1_000;

/**
 * Turns what the SDK says while a message is written (some 290 bytes per token) into a few pieces a second: the first
 * at once, then what has come every 150 ms, and the rest before the message itself is stored.
 */
export class DeltaPublisher {
  readonly #sessionId: string;
  readonly #publish: (signals: DeltaSignal[]) => void;
  readonly #drafts = new Map<string | null, Draft>();

  constructor(sessionId: string, publish: (signals: DeltaSignal[]) => void) {
    this.#sessionId = sessionId;
    this.#publish = publish;
  }

  /** To be told of every message of the agent, in order, before it is stored. */
  observe(message: AgentMessage, turnId: string | null): void {
    if (message.type === 'stream_event') {
      const event = streamEvent.safeParse(message.event).data;
      if (event !== undefined) this.#read(event, { turnId, parentToolUseId: message.parent_tool_use_id });
    } else if (message.type === 'assistant') {
      this.#flush(this.#drafts.get(message.parent_tool_use_id));
    } else if (message.type === 'result') this[Symbol.dispose]();
  }

  #read(event: z.infer<typeof streamEvent>, of: Pick<DeltaSignal, 'turnId' | 'parentToolUseId'>): void {
    const draft = this.#drafts.get(of.parentToolUseId);
    switch (event.type) {
      case 'message_start':
        this.#drop(draft);
        this.#drafts.set(of.parentToolUseId, {
          ...of,
          messageId: event.message.id,
          blocks: new Map(),
          sentAt: Number.NEGATIVE_INFINITY,
          timer: null,
        });
        break;
      case 'content_block_start': {
        const block = newBlock(event);
        if (draft === undefined || block === null) return;
        draft.blocks.set(event.index, block);
        if (!block.isAnnounced) this.#schedule(draft);
        break;
      }
      case 'content_block_delta': {
        const block = draft?.blocks.get(event.index);
        const { text, thinking, partial_json: json } = event.delta;
        if (draft === undefined || block === undefined) return;
        block.waiting += text ?? thinking ?? json ?? '';
        if (block.waiting !== '') this.#schedule(draft);
        break;
      }
      case 'message_stop':
        this.#flush(draft);
        this.#drop(draft);
        break;
      default:
        event satisfies never;
    }
  }

  #schedule(draft: Draft): void {
    if (draft.timer !== null) return;
    const wait = draft.sentAt + INTERVAL_MS - performance.now();
    if (wait <= 0) this.#flush(draft);
    else draft.timer = setTimeout(() => this.#flush(draft), wait).unref();
  }

  #flush(draft: Draft | undefined): void {
    if (draft === undefined) return;
    if (draft.timer !== null) clearTimeout(draft.timer);
    draft.timer = null;
    const signals = [...draft.blocks.values()].flatMap((block) => this.#takePieces(draft, block));
    if (signals.length === 0) return;
    draft.sentAt = performance.now();
    this.#publish(signals);
  }

  #takePieces({ turnId, messageId, parentToolUseId }: Draft, writing: Block): DeltaSignal[] {
    if (writing.waiting === '' && writing.isAnnounced) return [];
    const { index, block, tool } = writing;
    const pieces = splitText(writing.waiting).map((text): DeltaSignal => {
      const { offset } = writing;
      writing.offset += text.length;
      return {
        type: 'delta',
        sessionId: this.#sessionId,
        turnId,
        messageId,
        parentToolUseId,
        index,
        block,
        tool,
        offset,
        text,
      };
    });
    writing.waiting = '';
    writing.isAnnounced = true;
    return pieces;
  }

  #drop(draft: Draft | undefined): void {
    if (draft === undefined) return;
    if (draft.timer !== null) clearTimeout(draft.timer);
    this.#drafts.delete(draft.parentToolUseId);
  }

  /** Forgets what is not sent: nothing more is written. */
  [Symbol.dispose](): void {
    for (const draft of this.#drafts.values()) this.#drop(draft);
  }
}

/** @returns null for blocks that are not written piece by piece */
function newBlock({ index, content_block: content }: z.infer<typeof blockStart>): Block | null {
  const block = { index, offset: 0, waiting: '' };
  switch (content.type) {
    case 'text':
      return { ...block, block: 'text', tool: null, isAnnounced: true };
    case 'thinking':
      return { ...block, block: 'thinking', tool: null, isAnnounced: true };
    case 'tool_use':
    case 'server_tool_use':
    case 'mcp_tool_use': {
      // That a tool is about to be called is news, also before the first piece of its input.
      const tool = { id: (content.id ?? '').slice(0, 200), name: (content.name ?? '').slice(0, 200) };
      return { ...block, block: 'tool_input', tool, isAnnounced: false };
    }
    default:
      return null;
  }
}

/** At least one piece; none ends in the middle of a surrogate pair. */
function splitText(text: string): string[] {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > MAX_PIECE) {
    const isPair = /[\ud800-\udbff]/.test(rest.charAt(MAX_PIECE - 1));
    const end = isPair ? MAX_PIECE - 1 : MAX_PIECE;
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return [...pieces, rest];
}
