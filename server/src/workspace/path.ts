import { AppError } from '../ground/errors.ts';
import { invalidPath } from './file-errors.ts';

/** A place below a workspace: the names on the way to it. Empty is the workspace itself. */
export type WorkspacePath = readonly string[];

const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4_096;
/** Every level that is open costs a file descriptor. */
export const MAX_DEPTH = 100;

/**
 * Reads the part of a URL that names a file, as it was sent. Each segment is decoded by itself, so that `%2F` is a
 * slash inside a name, which no file has, and never a separator.
 */
export function parseUrlPath(encoded: string): WorkspacePath {
  const withoutEnd = encoded.replace(/\/$/, '');
  return withoutEnd === '' ? [] : checkPath(withoutEnd.split('/').map(decode));
}

/** Reads a path as it stands in a query or body: plain text, separated by slashes. */
export function parsePath(text: string): WorkspacePath {
  const withoutEnd = text.replace(/\/$/, '');
  return withoutEnd === '' ? [] : checkPath(withoutEnd.split('/'));
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalidPath('names must be UTF-8, percent-encoded in a URL');
  }
}

function checkPath(names: string[]): WorkspacePath {
  for (const name of names) {
    if (name === '') throw invalidPath('there is an empty name in it (two slashes, or one at the start)');
    if (name === '.' || name === '..') throw invalidPath(`"${name}" is not allowed: name the file itself`);
    if (name.includes('\0')) throw invalidPath('NUL is not allowed');
    if (name.includes('/')) throw invalidPath('a name has no slash in it, encoded (%2F) or not');
    if (!name.isWellFormed()) throw invalidPath('names must be UTF-8');
    if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
      throw invalidPath(`a name is longer than ${MAX_NAME_BYTES} bytes`);
    }
  }
  if (Buffer.byteLength(names.join('/')) > MAX_PATH_BYTES) {
    throw invalidPath(`it is longer than ${MAX_PATH_BYTES} bytes`);
  }
  if (names.length > MAX_DEPTH) throw invalidPath(`it is deeper than ${MAX_DEPTH} directories`);
  return names;
}

/** The last name and the directory that it is in; the workspace itself has neither. */
export function splitPath(path: WorkspacePath): { parent: WorkspacePath; name: string } {
  const name = path.at(-1);
  if (name === undefined) throw new AppError('file_conflict', 'This is the workspace itself, not a file.');
  return { parent: path.slice(0, -1), name };
}
