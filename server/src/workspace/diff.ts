import { z } from 'zod';
import type { GitRepository } from './git.ts';

const MAX_FILES = 5_000;
const MAX_DIFF_BYTES = 2 * 1024 * 1024;
const NEWLINE = 0x0a;

export const fileChange = z
  .object({
    path: z.string(),
    old_path: z.string().optional().describe('Of a renamed file.'),
    status: z.enum(['added', 'modified', 'deleted', 'renamed']),
    additions: z.number().int().describe('Lines; 0 for binary files.'),
    deletions: z.number().int(),
    binary: z.boolean(),
  })
  .meta({ id: 'FileChange' });
export type FileChange = z.infer<typeof fileChange>;

/** A change with what is needed to carry it out. */
export type RawChange = FileChange & { mode: string; hash: string };

export type DiffOptions = { from: string; to: string; path: string | null };

// A path of a client is a path, not a pattern.
const env = { GIT_LITERAL_PATHSPECS: '1' };
const SAFE = ['--no-color', '--no-ext-diff', '--no-textconv'];

export async function listChanges(
  repository: GitRepository,
  { from, to, path, renames }: DiffOptions & { renames: boolean },
): Promise<RawChange[]> {
  const args = [
    ...['diff-tree', '-r', '-z', '--raw', '--numstat', '--no-abbrev', ...SAFE],
    ...(renames ? ['--find-renames', '-l400'] : ['--no-renames']),
    ...[from, to, '--', ...(path === null ? [] : [path])],
  ];
  const { output } = await repository.run(args, { env });
  return parseChanges(output.toString('utf8').split('\0'));
}

/** First what happened to each file, then the lines of each, in the same order. */
function parseChanges(fields: string[]): RawChange[] {
  const changes: RawChange[] = [];
  let position = 0;
  const next = (): string => fields[position++] ?? '';
  while (fields[position]?.startsWith(':')) changes.push(parseRaw(next(), next));
  for (const change of changes) {
    const [additions = '', deletions = '', ...path] = next().split('\t');
    // Both names of a renamed file follow by themselves.
    if (path.join('') === '') position += 2;
    change.binary = additions === '-';
    change.additions = change.binary ? 0 : Number(additions);
    change.deletions = change.binary ? 0 : Number(deletions);
  }
  return changes;
}

const statuses: Record<string, FileChange['status']> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  T: 'modified',
  R: 'renamed',
};

function parseRaw(line: string, next: () => string): RawChange {
  const [, mode = '', , hash = '', letters = ''] = line.split(' ');
  const status = statuses[letters[0] ?? ''] ?? 'modified';
  const first = next();
  const names = status === 'renamed' ? { path: next(), old_path: first } : { path: first };
  return { ...names, status, mode, hash, additions: 0, deletions: 0, binary: false };
}

export function toFileChange({ mode: _mode, hash: _hash, ...change }: RawChange): FileChange {
  return change;
}

/** A unified diff as git writes it, cut at the end of a line where it is too long. */
export async function writeDiff(
  repository: GitRepository,
  { from, to, path, context }: DiffOptions & { context: number },
): Promise<{ diff: Buffer; truncated: boolean }> {
  const { output, truncated } = await repository.run(
    [
      ...['diff-tree', '-r', '-p', '--find-renames', '-l400', `--unified=${context}`, ...SAFE],
      ...['--src-prefix=a/', '--dst-prefix=b/', from, to, '--', ...(path === null ? [] : [path])],
    ],
    { env, maxBytes: MAX_DIFF_BYTES },
  );
  const diff = truncated ? output.subarray(0, output.lastIndexOf(NEWLINE) + 1) : output;
  return { diff, truncated };
}

export function limitFiles(changes: FileChange[]): { files: FileChange[]; truncated: boolean } {
  return { files: changes.slice(0, MAX_FILES), truncated: changes.length > MAX_FILES };
}
