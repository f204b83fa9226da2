import { compareTexts, type DiffFile, readHunks } from '../content/patch.ts';
import type { ToolCall } from '../log/item.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../util/shapes.ts';

export type FileDiff = DiffFile & {
  /** False where only a piece of the file is known: its lines are not where they are in the file. */
  hasNumbers: boolean;
  /** Edits that were not looked at: there may be any number. */
  otherEdits: number;
};

const known = new WeakMap<object, FileDiff>();

/** Each is compared by itself; what a model wrote that was refused may have any number. */
export const EDITS_AT_ONCE = 500;

/** What a call changes, or would change, in its file; once for each state of the call. */
export function fileDiffOf(call: ToolCall): FileDiff {
  const found = known.get(call) ?? makeDiff(call, EDITS_AT_ONCE);
  known.set(call, found);
  return found;
}

/** The same, of as many of its edits. */
export function makeDiff(call: ToolCall, edits: number): FileDiff {
  const input = fieldsOf(call.input);
  const details = fieldsOf(call.details);
  const path = textOf(input.file_path) || textOf(input.notebook_path);
  const hunks = listOf(details.structuredPatch);
  if (hunks.length > 0) return { ...readHunks(hunks, path), hasNumbers: true, otherEdits: 0 };
  if (typeof input.content === 'string') {
    const before = textOf(details.originalFile);
    return { ...compareTexts(before, input.content, path), hasNumbers: true, otherEdits: 0 };
  }
  const all = editsOf(input, details);
  return {
    ...merged(all.slice(0, edits).map(toEdit), path),
    hasNumbers: false,
    otherEdits: Math.max(0, all.length - edits),
  };
}

type Edit = { before: string; after: string };

/** An edit, several of them, or the source of a cell. */
function editsOf(input: Fields, details: Fields): readonly unknown[] {
  if (typeof input.new_source === 'string') {
    return [{ old_string: details.old_source, new_string: input.new_source }];
  }
  return Array.isArray(input.edits) ? input.edits : [input];
}

function toEdit(value: unknown): Edit {
  const edit = fieldsOf(value);
  return { before: textOf(edit.old_string), after: textOf(edit.new_string) };
}

function merged(edits: readonly Edit[], path: string): DiffFile {
  const diffs = edits.map(({ before, after }) => compareTexts(before, after, path));
  const gap = { kind: 'gap', oldNumber: null, newNumber: null, text: '' } as const;
  return {
    path,
    oldPath: null,
    change: 'modified',
    rows: diffs.flatMap(({ rows }, index) => (index === 0 ? rows : [gap, ...rows])),
    added: diffs.reduce((sum, { added }) => sum + added, 0),
    removed: diffs.reduce((sum, { removed }) => sum + removed, 0),
  };
}
