/*
 * How much memory the process of the server keeps that it does not use. It needs some 100 MB; what V8 and the allocator of
 * glibc set aside for speed is as much again, and more on a machine with many cores or much memory. Both are told so where
 * a process begins, and not later: so it begins again, as the same process. See
 * docs/decisions/2026-12-01-memory-of-the-server.md.
 */

export const FLAGS = ['--max-semi-space-size=4', '--initial-old-space-size=64', '--heap-growing-percent=30'];

/** One heap for all threads; and what is large goes back to the system when it is freed. */
export const VARIABLES = { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072' };

/** Begins this process again, within these bounds; returns in one that has them, or whose user has chosen others. */
export function boundMemory() {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ''];
  const isChosen = given.some((text) => text.includes('--max-semi-space-size'));
  // Windows cannot do that.
  if (isChosen || process.platform === 'win32' || process.execve === undefined) return keepFromChildren();
  const args = [process.execPath, ...FLAGS, ...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, args, { ...VARIABLES, ...process.env });
}

/** They were read when this process began. Its PostgreSQL has the memory that it is configured to have. */
function keepFromChildren() {
  for (const [name, value] of Object.entries(VARIABLES)) {
    if (process.env[name] === value) delete process.env[name];
  }
}
