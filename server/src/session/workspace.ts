import { realpath, stat } from 'node:fs/promises';
import { rootsOf } from '../config-roots.ts';
import { AppError } from '../errors.ts';
import { isInside } from '../util/path-inside.ts';

/** Where a tenant's sessions may work. */
export type WorkspaceLimits = { workspaceRoots: readonly string[]; tenantId: string };

/**
 * Checks a directory that a client names, in `field`, as a place to work in. Only the path is looked at: whoever starts
 * the agent looks at the directory.
 *
 * @returns its path, free of symbolic links. Throws `invalid_request` when it does not exist, is no directory, or lies
 * outside the tenant's roots; whether something exists outside of them is not told.
 */
export async function resolveWorkspace(
  cwd: string,
  { workspaceRoots, tenantId }: WorkspaceLimits,
  field = 'cwd',
): Promise<string> {
  const roots = rootsOf(workspaceRoots, tenantId);
  const outside = `"${cwd}" does not exist, or lies outside the directories that sessions may work in`;
  const hint =
    roots.length === 0
      ? `this server lets your sessions work only in workspaces of their own: leave ${field.split('.')[0]} out, or set GREENROOM_WORKSPACE_ROOTS (for this tenant: ${tenantId}=PATH)`
      : `allowed: ${roots.join(', ')} (GREENROOM_WORKSPACE_ROOTS)`;
  const path = await realpath(cwd).catch(() => null);
  if (path === null || !(await isUnderRoots(path, roots))) throw invalidDirectory(field, outside, hint);
  if (!(await stat(path)).isDirectory()) throw invalidDirectory(field, `"${cwd}" is not a directory`, hint);
  return path;
}

/** @param path free of symbolic links; the roots need not be */
export async function isUnderRoots(path: string, roots: readonly string[]): Promise<boolean> {
  const real = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  return real.some((root) => isInside(path, root));
}

function invalidDirectory(field: string, message: string, hint: string): AppError {
  return new AppError('invalid_request', message, { hint, errors: [{ field, message }] });
}
