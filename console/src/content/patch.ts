import { parsePatch, type StructuredPatch, structuredPatch } from 'diff';

/*
 * What changed in a file, as rows. Patches come as text (of git, of the server) or as hunks that the agent's program made;
 * neither is trusted to be whole.
 */

export type DiffLine = {
  file: string;
  side: 'old' | 'new';
  /** As its file counts, from 1. */
  number: number;
  text: string;
};
export type DiffRow = {
  kind: 'context' | 'added' | 'removed' | 'gap' | 'note';
  oldNumber: number | null;
  newNumber: number | null;
  text: string;
};
export type DiffFile = {
  path: string;
  /** Where it was before, when it was renamed or copied. */
  oldPath: string | null;
  change: 'modified' | 'created' | 'deleted' | 'renamed' | 'binary';
  rows: DiffRow[];
  added: number;
  removed: number;
};
type Hunk = { oldStart: number; newStart: number; lines: string[] };

const LARGEST_PATCH = 5_000_000;
const MOST_EDITS = 1_000;

/** Of a patch's text, a file an entry; null for what is no patch, or too large to be read as one. */
export function readPatch(text: string, path: string): DiffFile[] | null {
  if (text.length > LARGEST_PATCH) return null;
  try {
    return parsePatch(text)
      .filter((file) => file.hunks.length > 0 || file.isGit === true || file.isBinary === true)
      .map((file) => toFile(file, path));
  } catch {
    return null;
  }
}

/** Of the hunks that the program's `structuredPatch` has; what is no hunk is left out. */
export function readHunks(hunks: readonly unknown[], path: string): DiffFile {
  return withRows({ path, oldPath: null, change: 'modified' }, hunks.filter(isHunk));
}

/** Of what a text was and will be. The numbers are of the texts, which may be pieces of a file. */
export function compareTexts(before: string, after: string, path: string): DiffFile {
  const file = { path, oldPath: null, change: before === '' ? 'created' : 'modified' } as const;
  if (before === '' || after === '') return withRows(file, [replacement(before, after)]);
  const patch = structuredPatch(path, path, before, after, undefined, undefined, {
    context: 3,
    maxEditLength: MOST_EDITS,
  });
  return withRows(file, patch?.hunks ?? [replacement(before, after)]);
}

/** Where two texts have little in common: all of one, then all of the other. */
function replacement(before: string, after: string): Hunk {
  const lines = (text: string, sign: string): string[] =>
    text === ''
      ? []
      : text
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => `${sign}${line}`);
  return { oldStart: 1, newStart: 1, lines: [...lines(before, '-'), ...lines(after, '+')] };
}

function toFile(file: StructuredPatch, fallback: string): DiffFile {
  const oldPath = pathOf(file.oldFileName);
  const newPath = pathOf(file.newFileName);
  const path = newPath ?? oldPath ?? fallback;
  const isMoved = oldPath !== null && newPath !== null && oldPath !== newPath;
  return withRows({ path, oldPath: isMoved ? oldPath : null, change: changeOf(file, isMoved) }, file.hunks);
}

function changeOf(file: StructuredPatch, isMoved: boolean): DiffFile['change'] {
  if (file.isBinary === true) return 'binary';
  if (file.isCreate === true || file.oldFileName === '/dev/null') return 'created';
  if (file.isDelete === true || file.newFileName === '/dev/null') return 'deleted';
  return isMoved ? 'renamed' : 'modified';
}

/** Without the `a/` and `b/` of git. */
function pathOf(name: string | undefined): string | null {
  return name === undefined || name === '/dev/null' ? null : name.replace(/^[ab]\//, '');
}

function withRows(file: Pick<DiffFile, 'path' | 'oldPath' | 'change'>, hunks: readonly Hunk[]): DiffFile {
  const rows = hunks.flatMap((hunk, index) => rowsOf(hunk, index > 0 || hunk.oldStart > 1));
  return {
    ...file,
    rows,
    added: rows.filter(({ kind }) => kind === 'added').length,
    removed: rows.filter(({ kind }) => kind === 'removed').length,
  };
}

function rowsOf(hunk: Hunk, hasGap: boolean): DiffRow[] {
  const rows: DiffRow[] = hasGap ? [{ kind: 'gap', oldNumber: null, newNumber: null, text: '' }] : [];
  let [oldNumber, newNumber] = [hunk.oldStart, hunk.newStart];
  for (const line of hunk.lines) {
    const kind = kindOf(line);
    const isOld = kind === 'context' || kind === 'removed';
    const isNew = kind === 'context' || kind === 'added';
    rows.push({
      kind,
      oldNumber: isOld ? oldNumber++ : null,
      newNumber: isNew ? newNumber++ : null,
      text: line.slice(1).replace(/\r$/, ''),
    });
  }
  return rows;
}

function kindOf(line: string): DiffRow['kind'] {
  if (line.startsWith('+')) return 'added';
  if (line.startsWith('-')) return 'removed';
  return line.startsWith('\\') ? 'note' : 'context';
}

function isHunk(value: unknown): value is Hunk {
  if (typeof value !== 'object' || value === null) return false;
  const { oldStart, newStart, lines } = value as Record<string, unknown>;
  return (
    Number.isSafeInteger(oldStart) &&
    Number.isSafeInteger(newStart) &&
    Array.isArray(lines) &&
    lines.every((line) => typeof line === 'string')
  );
}

/** The line that a row stands for, where a comment is put: the new one where there is one. */
export function lineOf(row: DiffRow, file: string): DiffLine | null {
  if (row.newNumber !== null) return { file, side: 'new', number: row.newNumber, text: row.text };
  if (row.oldNumber !== null) return { file, side: 'old', number: row.oldNumber, text: row.text };
  return null;
}

export type SplitRow = { left: DiffRow | null; right: DiffRow | null };

/** Side by side: a run of removed lines beside the run of added ones that follows. */
export function splitRows(rows: readonly DiffRow[]): SplitRow[] {
  const split: SplitRow[] = [];
  for (let at = 0; at < rows.length; ) {
    const removed = runOf(rows, at, 'removed');
    const added = runOf(rows, at + removed.length, 'added');
    for (let index = 0; index < Math.max(removed.length, added.length); index += 1) {
      split.push({ left: removed[index] ?? null, right: added[index] ?? null });
    }
    at += removed.length + added.length;
    const row = rows[at];
    if (row === undefined || row.kind === 'removed' || row.kind === 'added') continue;
    split.push({ left: row, right: row });
    at += 1;
  }
  return split;
}

function runOf(rows: readonly DiffRow[], from: number, kind: DiffRow['kind']): DiffRow[] {
  let end = from;
  while (rows[end]?.kind === kind) end += 1;
  return rows.slice(from, end);
}
