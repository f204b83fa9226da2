import { readdir, readFile } from 'node:fs/promises';

/** The environment variable that marks every process of an activation. */
export const MARK_VARIABLE = 'GREENROOM_ACTIVATION';

/**
 * Kills the processes whose environment carries a mark that starts with `markPrefix`: also those that left the agent's
 * process group or session. Only where /proc tells (Linux); elsewhere the process group is all that is known.
 *
 * @returns how many were killed
 */
export async function killMarked(markPrefix: string): Promise<number> {
  if (process.platform !== 'linux') return 0;
  let killed = 0;
  // A process may fork while the list is read: look again until none is left.
  for (let round = 0; round < 5; round++) {
    const pids = await findMarked(markPrefix);
    if (pids.length === 0) break;
    for (const pid of pids) if (kill(pid)) killed++;
  }
  return killed;
}

export async function findMarked(markPrefix: string): Promise<number[]> {
  const needle = Buffer.from(`${MARK_VARIABLE}=${markPrefix}`);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const marked = await Promise.all(pids.map(async (pid) => ((await hasMark(pid, needle)) ? [pid] : [])));
  return marked.flat().filter((pid) => pid !== process.pid);
}

async function hasMark(pid: number, needle: Buffer): Promise<boolean> {
  // Gone meanwhile, or another user's: not ours either way.
  const environment = await readFile(`/proc/${pid}/environ`).catch(() => null);
  return environment?.includes(needle) ?? false;
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
