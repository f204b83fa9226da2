import type { Approval } from '@greenroom/client';
import { lineJson } from '../content/json-text.ts';
import type { Values, WordKey } from '../i18n/words.ts';
import { readQuestions } from './question.ts';
import { readToolCall, splitUrl } from './tool-call.ts';

/** An approval on one line. */
export type Summary = {
  /** What is asked, in our words. */
  asks: WordKey;
  values: Values;
  /** The call or the question itself: hostile text. */
  text: string;
  /** Whether `text` is all that there is to see: only then can it be allowed without opening it. */
  isWhole: boolean;
};

const LINE = 160;

export function summarize(approval: Approval): Summary {
  const { kind, tool_name: tool, input } = approval;
  if (kind === 'plan') return cut('approval.asks.plan', {}, approval.plan ?? '');
  if (kind === 'question') {
    const questions = readQuestions(input);
    const text = questions.map((question) => question.text).join(' · ');
    return cut('approval.asks.question', { count: questions.length }, text);
  }
  if (kind === 'client_tool') return cut('approval.asks.clientTool', { tool }, lineJson(input));
  return summarizeCall(approval);
}

function summarizeCall(approval: Approval): Summary {
  const { call, rest } = readToolCall(approval);
  const hasMore = Object.keys(rest).length > 0;
  switch (call.kind) {
    case 'command':
      return cut('approval.asks.command', {}, call.command, hasMore);
    case 'edit':
      return cut(
        'approval.asks.edit',
        { removed: lines(call.before), added: lines(call.after) },
        call.path,
        hasMore,
      );
    case 'write':
      return cut('approval.asks.write', { count: lines(call.content) }, call.path, hasMore);
    case 'read':
      return cut('approval.asks.read', {}, call.path, hasMore);
    case 'fetch':
      // What the page is asked for is no danger; where the request goes is.
      return cut('approval.asks.fetch', {}, call.url, hidesHost(call.url) || !isOnly(rest, 'prompt'));
    case 'mcp':
      return cut('approval.asks.mcp', { server: call.server, tool: call.tool }, lineJson(rest));
    case 'other':
      return cut('approval.asks.tool', { tool: approval.tool_name }, lineJson(rest));
    default:
      return call satisfies never;
  }
}

function cut(asks: WordKey, values: Values, text: string, hasMore = false): Summary {
  const [first = ''] = text.trim().split(/[\n\r\u2028\u2029]/, 1);
  const line = first.length > LINE ? `${first.slice(0, LINE)}…` : first;
  return { asks, values, text: line, isWhole: !hasMore && line === text.trim() };
}

function hidesHost(url: string): boolean {
  return splitUrl(url)?.goesTo !== null;
}

function isOnly(fields: Readonly<Record<string, unknown>>, name: string): boolean {
  return Object.keys(fields).every((field) => field === name);
}

function lines(text: string): number {
  return text === '' ? 0 : text.replace(/\n$/, '').split('\n').length;
}
