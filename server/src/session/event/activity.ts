import { z } from 'zod';
import { oneLine } from '../../ground/util/one-line.ts';
import type { EventBody } from './event.ts';

const MAX_TEXT = 160;
const MAX_NAME = 200;

/** What an agent does at the moment: the tool that it called last, with what is telling of the call, or what it says. */
export const activity = z.object({
  tool: z.string().nullable().describe('null while it says something.'),
  text: z
    .string()
    .describe(
      `The command, the path, or the beginning of what it says: one line of ${MAX_TEXT} characters at most.`,
    ),
});
export type Activity = z.infer<typeof activity>;

/** What a message of the agent says of what it does, and of the model that answered. */
export type Sign = { activity: Activity | null; model: string | null };

const NOTHING: Sign = { activity: null, model: null };

/** Of the agent's own messages. Never throws: what agents say is lenient. */
export function signOf(event: EventBody): Sign {
  if (event.kind !== 'sdk' || event.data.type !== 'assistant') return NOTHING;
  const { message } = event.data as { message?: { model?: unknown; content?: unknown } | null };
  return { activity: activityOf(message?.content), model: modelOf(message?.model) };
}

type Block = { type?: unknown; name?: unknown; text?: unknown; input?: unknown } | null;

/** Of the content of a message: its last block that can be seen. */
function activityOf(content: unknown): Activity | null {
  const blocks: Block[] = Array.isArray(content) ? content : [];
  for (const block of blocks.toReversed()) {
    if (block?.type === 'tool_use' && typeof block.name === 'string') {
      return { tool: oneLine(block.name, MAX_NAME), text: describeInput(block.input) };
    }
    if (block?.type === 'text' && typeof block.text === 'string' && block.text.trim() !== '') {
      return { tool: null, text: oneLine(block.text, MAX_TEXT) };
    }
  }
  return null;
}

// In this order: what a call is about, then what it does.
const telling = [
  ...['command', 'file_path', 'notebook_path', 'path', 'pattern', 'url', 'query', 'skill'],
  ...['description', 'prompt'],
];

function describeInput(input: unknown): string {
  if (typeof input !== 'object' || input === null) return '';
  const values = input as Record<string, unknown>;
  const names = [...telling, ...Object.keys(values).slice(0, 20)];
  const name = names.find((name) => Object.hasOwn(values, name) && typeof values[name] === 'string');
  return name === undefined ? '' : oneLine(values[name] as string, MAX_TEXT);
}

// The program's own words (`<synthetic>`) come from no model.
function modelOf(model: unknown): string | null {
  return typeof model === 'string' && /^[^<\s]/.test(model) ? oneLine(model, MAX_NAME) : null;
}
