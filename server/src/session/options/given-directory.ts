import { realpath, stat } from 'node:fs/promises';
import { rootsOf } from '../../ground/config/roots.ts';
import { AppError } from '../../ground/errors.ts';
import { HeldDirectory } from '../../ground/util/held-directory.ts';
import { isInside } from '../../ground/util/path-inside.ts';
import { openGitDirectory } from './git-directory.ts';

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
    noRootsRefusal(field, { workspaceRoots, tenantId })?.hint ??
    `allowed: ${roots.join(', ')} (GREENROOM_WORKSPACE_ROOTS)`;
  const path = await realpath(cwd).catch(() => null);
  if (path === null || !(await isUnderRoots(path, roots))) throw invalidDirectory(field, outside, hint);
  if (!(await stat(path)).isDirectory()) throw invalidDirectory(field, `"${cwd}" is not a directory`, hint);
  return path;
}

/** Why no directory can be named at all; null where some can. */
export function noRootsRefusal(
  field: string,
  { workspaceRoots, tenantId }: WorkspaceLimits,
): { field: string; message: string; hint: string } | null {
  if (rootsOf(workspaceRoots, tenantId).length > 0) return null;
  const message = 'this server lets your sessions work only in workspaces of their own';
  const hint = `${message}: leave ${field.split('.')[0]} out, or set GREENROOM_WORKSPACE_ROOTS (for this tenant: ${tenantId}=PATH)`;
  return { field, message, hint };
}

/** @param path free of symbolic links; the roots need not be */
export async function isUnderRoots(path: string, roots: readonly string[]): Promise<boolean> {
  const real = await Promise.all(roots.map((root) => realpath(root).catch(() => root)));
  return real.some((root) => isInside(path, root));
}

/**
 * A checkout whose git directory lies elsewhere is refused where its agent would not get that: the agent would find out in
 * the middle of its work. Throws `invalid_request`.
 *
 * @param shared what the agent gets beside it
 */
export async function requireGit(
  cwd: string,
  shared: readonly string[],
  { workspaceRoots, tenantId }: WorkspaceLimits,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const git = await openGitDirectory(stack.use(await HeldDirectory.open(cwd)));
  if (git === null) return;
  const { directory } = git;
  stack.use(directory);
  if (directory !== null && shared.some((other) => isInside(directory.path, other))) return;
  const isAllowed =
    directory !== null && (await isUnderRoots(directory.path, rootsOf(workspaceRoots, tenantId)));
  if (isAllowed && git.namesCheckout) return;
  throw invalidDirectory(
    'cwd',
    `the git directory of "${cwd}" is ${git.path}, and an isolated agent would not see it`,
    isAllowed
      ? `add ${directory.path} to additional_directories`
      : 'it does not exist, or lies outside the directories that sessions may work in (GREENROOM_WORKSPACE_ROOTS): work in a clone, or remove the file .git to work without git',
  );
}

function invalidDirectory(field: string, message: string, hint: string): AppError {
  return new AppError('invalid_request', message, { hint, errors: [{ field, message }] });
}
