import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { type EndedSandboxes, SandboxRecords } from './sandbox-records.ts';

/** The environment variable that marks every process of an activation. */
export const MARK_VARIABLE = 'GREENROOM_ACTIVATION';

/** What is killed and not gone after so many looks is held by the kernel. */
const MAX_ROUNDS = 100;
const PAUSE_MS = 20;

/** Descriptors that a look at all processes may take. */
const OPEN_FILES = 16;

/**
 * Ends what an earlier server on this data directory left running, whatever that isolated its agents with. The caller
 * holds the directory, so no other server uses it. Only where /proc tells (Linux).
 *
 * @returns how many processes and sandboxes
 */
export async function endStrays({ path, mark }: { path: string; mark: string }): Promise<EndedSandboxes> {
  if (process.platform !== 'linux') return { ended: 0, ending: 0 };
  const { ended, ending } = await new SandboxRecords(path).endAll();
  return { ended: ended + (await killMarked(mark)), ending };
}

/**
 * Kills the processes whose environment carries a mark that starts with `prefix`: also those that left the agent's
 * process group or session. Only where /proc tells (Linux); elsewhere the process group is all that is known.
 *
 * @returns how many were killed
 */
export async function killMarked(prefix: string): Promise<number> {
  if (process.platform !== 'linux') return 0;
  // A process may fork while the list is read, and takes its time to go on a busy machine: until none is left.
  const killed = new Set<number>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const pids = await findMarked(prefix);
    if (pids.length === 0) break;
    for (const pid of pids) if (kill(pid)) killed.add(pid);
    await delay(round === 0 ? 0 : PAUSE_MS);
  }
  return killed.size;
}

export async function findMarked(prefix: string): Promise<number[]> {
  const needle = Buffer.from(`${MARK_VARIABLE}=${prefix}`);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const limit = pLimit(OPEN_FILES);
  const marked = await limit.map(pids, async (pid) => ((await hasMark(pid, needle)) ? [pid] : []));
  return marked.flat().filter((pid) => pid !== process.pid);
}

/** Gone meanwhile, or closed to this user. */
const isUnreadable = new Set(['ENOENT', 'ESRCH', 'EACCES', 'EPERM']);

async function hasMark(pid: number, needle: Buffer): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/environ`)).includes(needle);
  } catch (error) {
    if (isUnreadable.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

function kill(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL');
    return true;
  } catch {
    return false;
  }
}
