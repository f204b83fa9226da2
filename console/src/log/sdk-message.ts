import { type Fields, fieldsOf, listOf, numberOf, textOf, textsOf } from '../util/shapes.ts';
import type { Notice } from './item.ts';

/*
 * What a transcript needs of the agent's messages (types of the Agent SDK: SDKMessage). They are kept verbatim and come
 * from versions that are older or newer than this page: every field may be missing, or something else.
 */

export type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  | { type: 'call'; id: string; name: string; input: Fields }
  | { type: 'result'; callId: string; output: string | readonly unknown[]; isError: boolean }
  | { type: 'other' };

export type SdkMessage =
  | {
      type: 'assistant';
      uuid: string;
      messageId: string;
      parentId: string | null;
      blocks: readonly Block[];
      /** It is the program's word for a request that failed: the turn's end says so as well. */
      isApiError: boolean;
      thinkingMs: number | null;
      /** Messages that this one takes the place of, by uuid. */
      supersedes: readonly string[];
      agent: Fields;
    }
  | {
      type: 'user';
      uuid: string;
      parentId: string | null;
      isSynthetic: boolean;
      blocks: readonly Block[];
      details: unknown;
      /** Calls that were refused, by a person or a rule. */
      refused: readonly string[];
      agent: Fields;
    }
  | { type: 'task_started'; callId: string; fields: Fields }
  | { type: 'task_ended'; callId: string; status: 'completed' | 'failed' | 'stopped' }
  | { type: 'permission_denied'; callId: string }
  | { type: 'retraction'; uuids: readonly string[]; notice: Notice }
  | { type: 'notice'; notice: Notice };

/** Null for what shows nothing, and for what is not known. */
export function readSdkMessage(data: Fields): SdkMessage | null {
  switch (data.type) {
    case 'assistant':
      return readAssistant(data);
    case 'user':
      return readUser(data);
    case 'system':
      return readSystem(data);
    case 'conversation_reset':
      return notice('conversationReset', 'plain');
    case 'rate_limit_event':
      return fieldsOf(data.rate_limit_info).status === 'rejected' ? notice('rateLimited', 'warning') : null;
    default:
      return null;
  }
}

function readAssistant(data: Fields): SdkMessage {
  const message = fieldsOf(data.message);
  return {
    type: 'assistant',
    uuid: textOf(data.uuid),
    messageId: textOf(message.id),
    parentId: textOrNull(data.parent_tool_use_id),
    blocks: readBlocks(message.content),
    isApiError: data.error !== undefined && data.error !== null,
    thinkingMs: numberOf(data.thinking_duration_ms),
    supersedes: textsOf(data.supersedes),
    agent: data,
  };
}

function readUser(data: Fields): SdkMessage {
  return {
    type: 'user',
    uuid: textOf(data.uuid),
    parentId: textOrNull(data.parent_tool_use_id),
    isSynthetic: data.isSynthetic === true,
    blocks: readBlocks(fieldsOf(data.message).content),
    details: data.tool_use_result,
    refused: listOf(data.tool_result_meta)
      .map(fieldsOf)
      .filter((meta) => fieldsOf(meta.permission_decision).decision === 'reject')
      .map((meta) => textOf(meta.id)),
    agent: data,
  };
}

function readBlocks(content: unknown): Block[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content).map(readBlock);
}

function readBlock(value: unknown): Block {
  const block = fieldsOf(value);
  const type = textOf(block.type);
  if (type === 'text') return { type: 'text', text: textOf(block.text) };
  if (type === 'thinking') return { type: 'thinking', text: textOf(block.thinking) };
  if (type === 'redacted_thinking') return { type: 'thinking', text: '' };
  if (type.endsWith('tool_use')) {
    return { type: 'call', id: textOf(block.id), name: textOf(block.name), input: fieldsOf(block.input) };
  }
  if (type.endsWith('tool_result')) {
    const output = typeof block.content === 'string' ? block.content : listOf(block.content);
    return { type: 'result', callId: textOf(block.tool_use_id), output, isError: block.is_error === true };
  }
  return { type: 'other' };
}

function readSystem(data: Fields): SdkMessage | null {
  switch (data.subtype) {
    case 'task_started':
      return { type: 'task_started', callId: textOf(data.tool_use_id), fields: data };
    case 'task_notification': {
      const status = data.status === 'failed' || data.status === 'stopped' ? data.status : 'completed';
      return { type: 'task_ended', callId: textOf(data.tool_use_id), status };
    }
    case 'permission_denied':
      return { type: 'permission_denied', callId: textOf(data.tool_use_id) };
    case 'model_refusal_fallback':
      return {
        type: 'retraction',
        uuids: textsOf(data.retracted_message_uuids),
        notice: { code: 'text', tone: 'warning', values: { text: textOf(data.content) } },
      };
    default:
      return readNotice(data);
  }
}

function readNotice(data: Fields): SdkMessage | null {
  const says = textOf(data.content) || textOf(data.text);
  switch (data.subtype) {
    case 'compact_boundary': {
      const { pre_tokens: before, post_tokens: after } = fieldsOf(data.compact_metadata);
      return notice('compacted', 'plain', { before: numberOf(before) ?? 0, after: numberOf(after) ?? 0 });
    }
    case 'api_retry':
      return notice('retry', 'warning', {
        attempt: numberOf(data.attempt) ?? 1,
        max: numberOf(data.max_retries) ?? 1,
        reason: [numberOf(data.error_status), textOf(data.error)].filter(Boolean).join(' '),
      });
    case 'model_fallback':
      return notice('modelFallback', 'warning', {
        from: textOf(data.original_model),
        to: textOf(data.fallback_model),
      });
    case 'mirror_error':
    case 'session_writes_lost':
      return notice('transcriptLost', 'warning', { reason: textOf(data.error) || textOf(data.error_code) });
    case 'informational':
      if (data.level === 'info' || says === '') return null;
      return notice('text', data.level === 'warning' ? 'warning' : 'plain', { text: says });
    case 'model_refusal_no_fallback':
      return notice('text', 'warning', { text: says });
    case 'local_command_output':
    case 'notification':
      return says === '' ? null : notice('text', 'plain', { text: says });
    default:
      return null;
  }
}

function notice(code: Notice['code'], tone: Notice['tone'], values: Notice['values'] = {}): SdkMessage {
  return { type: 'notice', notice: { code, tone, values } };
}

export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
