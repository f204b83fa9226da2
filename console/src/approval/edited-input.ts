import type { Approval } from '@greenroom/client';
import { wholeJson } from '../content/json-text.ts';

type Asked = Pick<Approval, 'tool_name' | 'input'>;

/** What of an input is edited: one text of it, or (null) all of it, as JSON. */
export type EditedField = 'command' | 'content' | 'new_string' | null;

export type Edited =
  | { input: Record<string, unknown> }
  | { problem: 'unchanged' | 'empty' }
  /** Not JSON: why, in the browser's words. */
  | { problem: 'syntax'; detail: string }
  /** JSON, and no object. */
  | { problem: 'shape' };

const FIELDS: Readonly<Record<string, EditedField>> = {
  Bash: 'command',
  Write: 'content',
  Edit: 'new_string',
};

export function editedField({ tool_name, input }: Asked): EditedField {
  const field = Object.hasOwn(FIELDS, tool_name) ? (FIELDS[tool_name] ?? null) : null;
  return field !== null && typeof input[field] === 'string' ? field : null;
}

/** What the editor begins with. */
export function textToEdit(asked: Asked): string {
  const field = editedField(asked);
  return field === null ? wholeJson(asked.input) : String(asked.input[field]);
}

/** The input that the text makes, the whole of it. */
export function buildInput(asked: Asked, text: string): Edited {
  if (text === textToEdit(asked)) return { problem: 'unchanged' };
  const field = editedField(asked);
  if (field === null) return parseInput(asked, text);
  if (field === 'command' && text.trim() === '') return { problem: 'empty' };
  return { input: { ...asked.input, [field]: text } };
}

function parseInput({ input }: Asked, text: string): Edited {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { problem: 'shape' };
    if (JSON.stringify(value) === JSON.stringify(input)) return { problem: 'unchanged' };
    // The server refuses it: an agent would take no input for "as it was".
    if (Object.keys(value).length === 0) return { problem: 'empty' };
    return { input: value as Record<string, unknown> };
  } catch (error) {
    return { problem: 'syntax', detail: (error as SyntaxError).message };
  }
}
