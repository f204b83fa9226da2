import { realpath, stat } from 'node:fs/promises';
import { AppError } from '../errors.ts';
import { isInside } from '../util/path-inside.ts';

/**
 * Checks a directory that a client names, in `field`, as a place to work in.
 *
 * @returns its path, free of symbolic links. Throws `invalid_request` when it does not exist, is no directory, or lies
 * outside `roots`; whether something exists outside the roots is not told.
 */
export async function resolveWorkspace(
  cwd: string,
  roots: readonly string[],
  field = 'cwd',
): Promise<string> {
  const outside = `"${cwd}" does not exist, or lies outside the directories that sessions may work in`;
  const hint =
    roots.length === 0
      ? `this server lets sessions work only in workspaces of their own: leave ${field.split('.')[0]} out, or set GREENROOM_WORKSPACE_ROOTS`
      : `allowed: ${roots.join(', ')} (GREENROOM_WORKSPACE_ROOTS)`;
  const path = await realpath(cwd).catch(() => null);
  const realRoots = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  if (path === null || !realRoots.some((root) => isInside(path, root)))
    throw invalidDirectory(field, outside, hint);
  if (!(await stat(path)).isDirectory()) throw invalidDirectory(field, `"${cwd}" is not a directory`, hint);
  return path;
}

function invalidDirectory(field: string, message: string, hint: string): AppError {
  return new AppError('invalid_request', message, { hint, errors: [{ field, message }] });
}
