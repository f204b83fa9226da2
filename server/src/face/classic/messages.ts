import { z } from 'zod';

/**
 * The agent's messages in the shape of the Python SDK, as the classic API has always shown them. A pure projection of
 * what the log holds.
 */
type Json = Record<string, unknown>;

export const classicMessageType = z.enum([
  'UserMessage',
  'AssistantMessage',
  'SystemMessage',
  'ResultMessage',
]);
export type ClassicMessage = { type: z.infer<typeof classicMessageType>; content: Json; timestamp: string };

/** A system message as the agent program writes it. It is shown whole. */
const systemMessage = /^\{"type":"system","subtype":"([a-z_]+)"[,}]/;

/** A stored message as JSON in the classic shape. @returns null for kinds that this list does not show */
export function renderMessage(stored: string, at: Date): string | null {
  const subtype = systemMessage.exec(stored)?.[1];
  if (subtype !== undefined) {
    const content = `{"subtype":"${subtype}","data":${stored}}`;
    return `{"type":"SystemMessage","content":${content},"timestamp":"${at.toISOString()}"}`;
  }
  const message = toClassicMessage(JSON.parse(stored), at);
  return message && JSON.stringify(message);
}

/** @returns null for kinds that this list does not show */
export function toClassicMessage(message: { type: string } & Json, at: Date): ClassicMessage | null {
  const timestamp = at.toISOString();
  switch (message.type) {
    case 'system':
      return {
        type: 'SystemMessage',
        content: { subtype: message.subtype ?? null, data: message },
        timestamp,
      };
    case 'assistant':
      return { type: 'AssistantMessage', content: assistant(message), timestamp };
    case 'user':
      return { type: 'UserMessage', content: user(message), timestamp };
    case 'result':
      return { type: 'ResultMessage', content: result(message), timestamp };
    default:
      return null;
  }
}

function assistant(message: Json): Json {
  const inner = asObject(message.message);
  return {
    content: asBlocks(inner.content),
    model: inner.model ?? null,
    parent_tool_use_id: message.parent_tool_use_id ?? null,
    error: message.error ?? null,
    usage: inner.usage ?? null,
    message_id: inner.id ?? null,
    stop_reason: inner.stop_reason ?? null,
    session_id: message.session_id ?? null,
    uuid: message.uuid ?? null,
  };
}

function user(message: Json): Json {
  const { content } = asObject(message.message);
  return {
    content: typeof content === 'string' ? content : asBlocks(content),
    uuid: message.uuid ?? null,
    parent_tool_use_id: message.parent_tool_use_id ?? null,
    tool_use_result: message.tool_use_result ?? null,
  };
}

const resultFields = [
  'subtype',
  'duration_ms',
  'duration_api_ms',
  'is_error',
  'num_turns',
  'session_id',
  'stop_reason',
  'total_cost_usd',
  'usage',
  'result',
  'structured_output',
  'permission_denials',
  'errors',
  'uuid',
] as const;

function result(message: Json): Json {
  const fields = resultFields.map((field) => [field, message[field] ?? null]);
  return { ...Object.fromEntries(fields), model_usage: message.modelUsage ?? null };
}

function asBlocks(content: unknown): Json[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map((block) => toBlock(asObject(block))) : [];
}

function toBlock(block: Json): Json {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: block.text };
    case 'thinking':
      return { type: 'thinking', thinking: block.thinking, signature: block.signature };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: block.input };
    case 'tool_result':
      return {
        type: 'tool_result',
        tool_use_id: block.tool_use_id,
        content: block.content ?? null,
        is_error: block.is_error ?? null,
      };
    default:
      return block;
  }
}

function asObject(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
