import type { WordKey } from '../i18n/words.ts';
import type { ToolCall } from '../log/item.ts';
import type { Fields } from '../util/shapes.ts';

/** What a call's one line says: what is done, to what, and what came of it. */
export type ToolLine = {
  /** Before the subject; null where the subject says it all, as a command does. */
  verb: WordKey | null;
  /** Hostile, of one line. */
  subject: string;
  /** Commands, paths and patterns are code. */
  isCode: boolean;
  outcomes: Outcome[];
};

export type Outcome = {
  key: WordKey;
  values?: Record<string, string | number>;
  tone?: 'plain' | 'added' | 'removed' | 'danger';
};

/** What a kind of tool reads its line from. */
export type CallFields = { call: ToolCall; input: Fields; details: Fields };
export type ReadLine = (fields: CallFields) => ToolLine;

export function count(key: WordKey, count: number | null): Outcome[] {
  return count === null ? [] : [{ key, values: { count } }];
}

export function note(key: WordKey): Outcome {
  return { key };
}
