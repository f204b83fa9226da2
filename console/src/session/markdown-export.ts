import { lineJson, wholeJson } from '../content/json-text.ts';
import type { TranscriptItem } from '../log/item.ts';
import { fence, inlineCode, plainLine, quote } from './markdown-text.ts';

export type ExportWords = {
  prompt: string;
  agent: string;
  thinking: string;
  input: string;
  output: string;
  ended: string;
};

export type ExportedSession = { id: string; title: string | null };

/** The file's head. */
export function writeHead({ id, title }: ExportedSession): string {
  return `# ${plainLine(title ?? id)}\n\n${inlineCode(id)}\n`;
}

/** One row of the transcript; empty for what a reader of a file has no use for. */
export function writeItem(item: TranscriptItem, words: ExportWords): string {
  switch (item.kind) {
    case 'prompt':
      return `\n## ${words.prompt}\n\n${timeOf(item)}\n\n${quote(item.text)}\n`;
    case 'text':
      return item.text.trim() === '' ? '' : `\n### ${words.agent}\n\n${quote(item.text)}\n`;
    case 'thinking':
      return item.text.trim() === '' ? '' : `\n*${words.thinking}*\n\n${quote(item.text)}\n`;
    case 'tool':
      return writeCall(item.call, words);
    case 'turn_end':
      return `\n---\n\n${words.ended}: ${inlineCode(item.error?.code ?? item.state)} ${timeOf(item)}\n${
        item.error === null ? '' : `\n${fence(item.error.message)}\n`
      }`;
    case 'notice':
      return typeof item.notice.values.text === 'string' ? `\n${fence(item.notice.values.text)}\n` : '';
    case 'approval':
      return `\n${inlineCode(`${item.approval.tool_name} · ${item.approval.status}`)}\n`;
    default:
      return item satisfies never;
  }
}

function writeCall(
  { name, state, input, output }: Extract<TranscriptItem, { kind: 'tool' }>['call'],
  words: ExportWords,
): string {
  const parts = [`\n### ${inlineCode(name)} · ${state}\n`];
  if (input !== null) parts.push(`${words.input}\n\n${fence(wholeJson(input), 'json')}\n`);
  if (output !== null) {
    const text = typeof output === 'string' ? output : output.map(textOfBlock).join('\n');
    parts.push(`${words.output}\n\n${fence(text)}\n`);
  }
  return parts.join('\n');
}

/** Images would be megabytes of letters. */
function textOfBlock(block: unknown): string {
  const { type, text } = (typeof block === 'object' && block !== null ? block : {}) as Record<
    string,
    unknown
  >;
  if (typeof text === 'string') return text;
  return type === 'image' ? '[image]' : lineJson(block);
}

function timeOf({ at }: { at: number }): string {
  return inlineCode(Number.isNaN(at) ? '' : new Date(at).toISOString());
}

/** What a session's file is called: by its title, as far as that makes a name. */
export function exportName({ id, title }: ExportedSession, extension: string): string {
  const name = (title ?? '')
    .normalize('NFC')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${name === '' ? 'session' : name}-${id.slice(0, 8)}.${extension}`;
}
