import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { ApiError } from './api-error.ts';
import { readConversation } from './conversation.ts';
import type { FaultCounter } from './fault-counter.ts';
import { buildMessage, type Message } from './message.ts';
import type { MessagesRequest } from './messages-request.ts';
import type { PromptCache } from './prompt-cache.ts';
import { replyTo } from './rules.ts';
import { firstHalf, type Pace, streamEvents, tokensPerDeltaAt, writeStream, writingTime } from './stream.ts';

export type Responder = { tokensPerSecond: number; cache: PromptCache; faults: FaultCounter };
type Context = Responder & { signal: AbortSignal };

/** Answers `POST /v1/messages`, or fails it the way that the prompt asks for. */
export async function respond(
  request: MessagesRequest,
  response: ServerResponse,
  context: Context,
): Promise<void> {
  const { signal } = context;
  const conversation = readConversation(request);
  const { blocks, isRefusal, fault, tokensPerSecond = context.tokensPerSecond } = replyTo(conversation);
  const struck = fault && context.faults.strikes(fault, request, conversation) ? fault : undefined;
  if (struck?.kind === 'error') {
    throw new ApiError(
      struck.status,
      `The prompt asked for this error (${struck.status})`,
      struck.retryAfterSeconds,
    );
  }
  if (struck?.kind === 'hang') return untilGone(signal);
  const input = context.cache.account(request);
  const message = buildMessage(blocks, {
    model: request.model,
    maxTokens: request.max_tokens,
    input,
    isRefusal,
  });
  await send(message, response, {
    tokensPerSecond,
    signal,
    stream: request.stream ?? false,
    breakOff: struck?.kind,
  });
}

type Sending = Pace & { stream: boolean; breakOff: 'stall' | 'cut' | undefined };

async function send(message: Message, response: ServerResponse, sending: Sending): Promise<void> {
  const { breakOff, signal } = sending;
  response.statusCode = 200;
  if (sending.stream) {
    response
      .setHeader('content-type', 'text/event-stream; charset=utf-8')
      .setHeader('cache-control', 'no-cache');
    const events = streamEvents(message, tokensPerDeltaAt(sending.tokensPerSecond));
    await writeStream(response, breakOff ? firstHalf(events, message) : events, sending);
  } else {
    await writingTime(message.usage.output_tokens, sending);
  }
  if (breakOff === 'stall') await untilGone(signal);
  else if (breakOff === 'cut') await cut(response);
  else if (sending.stream) response.end();
  else response.setHeader('content-type', 'application/json').end(JSON.stringify(message));
}

/** Drops the connection in the middle of an event, once all before it is on its way. */
async function cut(response: ServerResponse): Promise<void> {
  await new Promise((sent) => response.write('event: content_bl', sent));
  response.destroy();
}

async function untilGone(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
