import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type Message, type MessageBlock, writtenPart } from './message.ts';
import { tokensOf } from './tokens.ts';

export type StreamEvent = { type: string; [key: string]: unknown };
/** An event and how many tokens have been written once it is sent. */
type TimedEvent = { event: StreamEvent; tokens: number };

/** A message as the events of the streaming Messages API, `tokensPerDelta` tokens to a delta. */
export function* streamEvents(message: Message, tokensPerDelta: number): Generator<TimedEvent> {
  const { usage, content, stop_reason, stop_sequence } = message;
  const opening = { ...message, content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } };
  yield { event: { type: 'message_start', message: opening }, tokens: 0 };
  let tokens = 0;
  for (const [index, block] of content.entries()) {
    yield { event: { type: 'content_block_start', index, content_block: emptied(block) }, tokens };
    if (index === 0) yield { event: { type: 'ping' }, tokens };
    for (const piece of piecesOf(block, tokensPerDelta)) {
      tokens += piece.tokens;
      yield { event: { type: 'content_block_delta', index, delta: piece.delta }, tokens };
    }
    yield { event: { type: 'content_block_stop', index }, tokens };
  }
  yield { event: { type: 'message_delta', delta: { stop_reason, stop_sequence }, usage }, tokens };
  yield { event: { type: 'message_stop' }, tokens };
}

/** The events up to the middle of what is written, with at least one delta. */
export function* firstHalf(events: Iterable<TimedEvent>, message: Message): Generator<TimedEvent> {
  for (const timed of events) {
    yield timed;
    if (timed.tokens > 0 && timed.tokens >= message.usage.output_tokens / 2) return;
  }
}

export type Pace = {
  tokensPerSecond: number;
  /** Aborts when the client has gone. */
  signal: AbortSignal;
};

/** Sends the events at the pace of a model that writes `tokensPerSecond`. Rejects when the client has gone. */
export async function writeStream(
  response: ServerResponse,
  events: Iterable<TimedEvent>,
  pace: Pace,
): Promise<void> {
  const start = performance.now() + timeToFirstToken(pace.tokensPerSecond);
  for (const { event, tokens } of events) {
    await waitUntil(start + (tokens / pace.tokensPerSecond) * 1_000, pace.signal);
    const hasRoom = response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    if (!hasRoom) await once(response, 'drain', { signal: pace.signal });
  }
}

/** Waits as long as writing `tokens` takes. */
export async function writingTime(tokens: number, { tokensPerSecond, signal }: Pace): Promise<void> {
  const duration = timeToFirstToken(tokensPerSecond) + (tokens / tokensPerSecond) * 1_000;
  await waitUntil(performance.now() + duration, signal);
}

/** About twenty deltas a second: smooth to read, and cheap for everything that passes them on. */
export function tokensPerDeltaAt(tokensPerSecond: number): number {
  return Number.isFinite(tokensPerSecond) ? Math.max(1, Math.round(tokensPerSecond / 20)) : 8;
}

function timeToFirstToken(tokensPerSecond: number): number {
  return Math.min(500, 20_000 / tokensPerSecond);
}

async function waitUntil(time: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const left = time - performance.now();
  if (left > 1) await delay(left, undefined, { signal });
}

function emptied(block: MessageBlock): MessageBlock {
  if (block.type === 'text') return { type: 'text', text: '' };
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return { ...block, input: {} };
}

type Piece = { delta: StreamEvent; tokens: number };

function* piecesOf(block: MessageBlock, tokensPerDelta: number): Generator<Piece> {
  const tokens = tokensOf(writtenPart(block));
  const size =
    block.type === 'tool_use' ? Math.min(tokensPerDelta, Math.ceil(tokens.length / 3)) : tokensPerDelta;
  for (let at = 0; at < tokens.length; at += size) {
    const written = tokens.slice(at, at + size);
    yield { delta: deltaOf(block.type, written.join('')), tokens: written.length };
  }
  if (block.type === 'thinking')
    yield { delta: { type: 'signature_delta', signature: block.signature }, tokens: 0 };
}

function deltaOf(type: MessageBlock['type'], text: string): StreamEvent {
  if (type === 'text') return { type: 'text_delta', text };
  return type === 'thinking'
    ? { type: 'thinking_delta', thinking: text }
    : { type: 'input_json_delta', partial_json: text };
}
