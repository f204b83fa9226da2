import { compareTexts, type DiffFile, readHunks } from '../content/patch.ts';
import type { ToolCall } from '../transcript/item.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../util/shapes.ts';

export type FileDiff = DiffFile & {
  /** False where only a piece of the file is known: its lines are not where they are in the file. */
  hasNumbers: boolean;
};

const known = new WeakMap<object, FileDiff>();

/** What a call changes, or would change, in its file; once for each state of the call. */
export function fileDiffOf(call: ToolCall): FileDiff {
  const found = known.get(call) ?? makeDiff(call);
  known.set(call, found);
  return found;
}

function makeDiff(call: ToolCall): FileDiff {
  const input = fieldsOf(call.input);
  const details = fieldsOf(call.details);
  const path = textOf(input.file_path) || textOf(input.notebook_path);
  const hunks = listOf(details.structuredPatch);
  if (hunks.length > 0) return { ...readHunks(hunks, path), hasNumbers: true };
  if (typeof input.content === 'string') {
    const before = textOf(details.originalFile);
    return { ...compareTexts(before, input.content, path), hasNumbers: true };
  }
  return { ...merged(editsOf(input, details), path), hasNumbers: false };
}

/** Each is compared by itself; what a model wrote that was refused may have any number. */
const MOST_EDITS = 500;

type Edit = { before: string; after: string };

/** An edit, several of them, or the source of a cell. */
function editsOf(input: Fields, details: Fields): Edit[] {
  if (typeof input.new_source === 'string') {
    return [{ before: textOf(details.old_source), after: input.new_source }];
  }
  const edits = Array.isArray(input.edits) ? input.edits.slice(0, MOST_EDITS).map(fieldsOf) : [input];
  return edits.map((edit) => ({ before: textOf(edit.old_string), after: textOf(edit.new_string) }));
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
