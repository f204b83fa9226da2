import {
  blocksOf,
  type ContentBlock,
  type MessagesRequest,
  plainText,
  type Role,
} from './messages-request.ts';
import { type Marks, replaceMarked } from './text.ts';

/** What happened in a conversation, in order. A notice is what the `claude` program says, not the person. */
export type Entry =
  | { kind: 'prompt' | 'notice' | 'said'; text: string }
  | { kind: 'call'; id: string; name: string; input: unknown }
  | { kind: 'result'; id: string; text: string; isError: boolean };

export const compactionNotice = 'This session is being continued from a previous conversation';

const reminder: Marks = { open: '<system-reminder>', close: '</system-reminder>' };
/** How texts begin that the `claude` program, or Greenroom, writes in the person's name. */
const synthetic = [
  compactionNotice,
  '[Image: source:',
  '[Request interrupted by user',
  '[structured-output-enforce]',
  '[Your previous response had no visible output',
  '[Tool call interrupted',
  'Output token limit hit.',
  'Continue from where you left off.',
  'Your work was cut off in the middle',
  'Tool loaded.',
  '<task-notification>',
  '<local-command-',
  '<command-',
];
/** How the program hands on what the person says while a turn runs. */
const steering =
  /The user sent a new message while you were working:\n([\s\S]*?)(?=\n\nThis is how Claude Code|\n\nIMPORTANT:|<\/system-reminder>|$)/g;

export function readEntries(request: MessagesRequest): Entry[] {
  return request.messages.flatMap(({ role, content }) =>
    blocksOf(content).flatMap((block) => entriesOf(role, block)),
  );
}

function entriesOf(role: Role, block: ContentBlock): Entry[] {
  const text = plainText([block]);
  if (block.type === 'tool_use') {
    return [{ kind: 'call', id: String(block.id), name: String(block.name), input: block.input }];
  }
  if (block.type === 'tool_result') {
    const output = replaceMarked(plainText(block.content), reminder, () => '').trim();
    return [
      { kind: 'result', id: String(block.tool_use_id), text: output, isError: block.is_error === true },
    ];
  }
  if (block.type !== 'text') return [];
  if (role === 'assistant') return [{ kind: 'said', text }];
  return role === 'system' ? [noticeOrSteering(text)] : userEntries(text);
}

function userEntries(text: string): Entry[] {
  const reminders: Entry[] = [];
  const spoken = replaceMarked(text, reminder, (part) => {
    reminders.push(noticeOrSteering(part));
    return '';
  }).trim();
  if (spoken === '') return reminders;
  const kind = synthetic.some((start) => spoken.startsWith(start)) ? 'notice' : 'prompt';
  return [...reminders, { kind, text: spoken }];
}

function noticeOrSteering(text: string): Entry {
  const steered = [...text.matchAll(steering)].map(([, message = '']) => message.trim());
  return steered.length > 0 ? { kind: 'prompt', text: steered.join('\n') } : { kind: 'notice', text };
}
