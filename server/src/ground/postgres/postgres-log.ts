import { closeSync, openSync, readSync, renameSync, statSync } from 'node:fs';
import { StartupError } from '../errors.ts';

const MAX_BYTES = 10 * 1024 * 1024;
const TAIL_BYTES = 4096;
const TAIL_LINES = 15;

/** Keeps one predecessor of a log that has grown large. */
export function rotatePostgresLog(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > MAX_BYTES) renameSync(path, `${path}.1`);
}

/** The last lines that were written from `offset` on. */
export function readLogTail(path: string, offset: number): string {
  try {
    const size = statSync(path).size;
    const tail = readPart(path, Math.max(offset, size - TAIL_BYTES), size);
    return tail.trim().split('\n').slice(-TAIL_LINES).join('\n');
  } catch {
    return '';
  }
}

function readPart(path: string, start: number, end: number): string {
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(end - start);
    return buffer.toString('utf8', 0, readSync(file, buffer, 0, buffer.length, start));
  } finally {
    closeSync(file);
  }
}

/** True if PostgreSQL did not start because processes of an earlier one on this cluster have not all ended. */
export function isPredecessorInTheWay(output: string): boolean {
  return /lock file ".*" already exists|pre-existing shared memory block/.test(output);
}

const hints: [pattern: RegExp, hint: string][] = [
  [
    /no space left on device|disk quota exceeded|check free disk space|wrote only \d+ of/i,
    'The disk is full: free some space.',
  ],
  [
    /could not look up effective user ID/,
    "PostgreSQL's initdb needs this user to have a name: add it to /etc/passwd, start the server as another user, or set DATABASE_URL.",
  ],
  [/permission denied|wrong ownership/i, 'Something in the data directory belongs to another user.'],
  [
    /could not .* shared memory|Cannot allocate memory/,
    'There is too little memory, or shared memory, for PostgreSQL.',
  ],
  [/could not locate a valid checkpoint|invalid checkpoint|PANIC/, 'Its data may be damaged.'],
];

/** `output` is what PostgreSQL said last. */
export function postgresStartupError(problem: string, output: string): StartupError {
  const hint = hints.find(([pattern]) => pattern.test(output))?.[1];
  return new StartupError(output === '' ? problem : `${problem}\n${output}`, {
    hint: hint ?? 'Set DATABASE_URL to use a PostgreSQL server of your own.',
  });
}
