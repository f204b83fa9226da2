import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import {
  type Conversation,
  readConversation,
} from '../../server/src/engine/gateway/demo-model/conversation.ts';
import { buildMessage } from '../../server/src/engine/gateway/demo-model/message.ts';
import { messagesRequest } from '../../server/src/engine/gateway/demo-model/messages-request.ts';
import { PromptCache } from '../../server/src/engine/gateway/demo-model/prompt-cache.ts';
import { type Block, replyTo } from '../../server/src/engine/gateway/demo-model/rules.ts';
import { streamEvents, writeStream } from '../../server/src/engine/gateway/demo-model/stream.ts';
import { estimateTokens } from '../../server/src/engine/gateway/demo-model/tokens.ts';

/** What a model answers to a prompt: message after message, each after the calls of the one before. */
export type Script = {
  prompt: string;
  messages: readonly Block[][];
  /** As fast as possible without it. */
  tokensPerSecond?: number;
  /** Instead of an answer: what the API refuses the request with. */
  refusal?: string;
};

/** Of each message. Scripts are short, and contexts in the pictures should not be. */
const FILLER_TOKENS = 600;

/** A model that follows scripts, so that pictures show what a real one would do. It speaks the Messages API. */
export async function startScriptedModel(
  scripts: readonly Script[],
): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  const cache = new PromptCache();
  const server = createServer(async (request, response) => {
    const body = messagesRequest.parse({ max_tokens: 1, ...((await json(request)) as object) });
    if (request.url?.includes('count_tokens')) {
      return sendJson(response, 200, { input_tokens: estimateTokens(JSON.stringify(body).length) });
    }
    const conversation = readConversation(body);
    const script = scripts.find(({ prompt }) => conversation.prompt.includes(prompt));
    if (script?.refusal !== undefined) {
      const error = { type: 'invalid_request_error', message: script.refusal };
      return sendJson(response, 400, { type: 'error', error });
    }
    const blocks = script === undefined ? replyTo(conversation).blocks : nextMessage(script, conversation);
    const input = cache.account(body);
    input.cache_read_input_tokens += FILLER_TOKENS * body.messages.length;
    const message = buildMessage(blocks, { model: body.model, maxTokens: body.max_tokens, input });
    if (!body.stream) return sendJson(response, 200, message);
    response.setHeader('content-type', 'text/event-stream');
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const tokensPerSecond = script?.tokensPerSecond ?? Number.POSITIVE_INFINITY;
    await writeStream(response, streamEvents(message, 1), { tokensPerSecond, signal: gone.signal }).then(
      () => response.end(),
      () => response.destroy(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** The first one whose calls were not all made yet, or the last. */
function nextMessage({ messages }: Script, conversation: Conversation): Block[] {
  const made = conversation.calls.filter(({ name }) => name !== 'ToolSearch').length;
  let called = 0;
  const next = messages.find((blocks) => {
    called += blocks.filter(({ type }) => type === 'tool_use').length;
    return called > made;
  });
  return lookUp(next ?? [], conversation) ?? next ?? messages.at(-1) ?? [];
}

/** The `claude` program keeps some tools back until they are looked up by name. */
function lookUp(blocks: readonly Block[], { tools }: Conversation): Block[] | undefined {
  const missing = blocks.find((block) => block.type === 'tool_use' && !tools.has(block.name));
  if (missing?.type !== 'tool_use' || !tools.has('ToolSearch')) return undefined;
  return [
    { type: 'tool_use', name: 'ToolSearch', input: { query: `select:${missing.name}`, max_results: 1 } },
  ];
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
