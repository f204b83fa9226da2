import { readFileSync } from 'node:fs';

/** A process as no other ever is, also when its id is taken again: no process can change its own. Linux only. */
export type ProcessIdentity = { pid: number; startedAt: string };

/** @returns null when there is none */
export function identify(pid: number): ProcessIdentity | null {
  const found = readStatus(pid);
  return found === null ? null : { pid, startedAt: found.startedAt };
}

/** Of one that has ended, whoever has to collect it may take seconds for that; its id may then be somebody else's. */
export function isAlive({ pid, startedAt }: ProcessIdentity): boolean {
  const found = readStatus(pid);
  return found !== null && found.startedAt === startedAt && found.state !== 'Z' && found.state !== 'X';
}

/** Anybody may read this of any process; most else of it a process can close to its own user. */
function readStatus(pid: number): { state: string; startedAt: string } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name before it may hold anything.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startedAt: fields[19] ?? '' };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

/** @returns whether there was somebody to get it */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
