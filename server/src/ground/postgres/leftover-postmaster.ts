import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/** How long each signal may take before the next: fast shutdown, immediate shutdown, the end. */
const escalation: [signal: NodeJS.Signals, milliseconds: number][] = [
  ['SIGINT', 5000],
  ['SIGQUIT', 5000],
  ['SIGKILL', 5000],
];

/**
 * Stops the postmaster that a killed server left on this cluster, if any. The caller holds the data directory, so it
 * is nobody else's. Returns the process id in a pid file that is out of date.
 */
export async function stopLeftoverPostmaster(cluster: string): Promise<number | undefined> {
  const pid = readPid(cluster);
  if (pid === undefined) return undefined;
  for (const [signal, milliseconds] of escalation) {
    if (!isPostmaster(pid, cluster)) break;
    kill(pid, signal);
    const deadline = Date.now() + milliseconds;
    while (isPostmaster(pid, cluster) && Date.now() < deadline) await sleep(POLL_MS);
  }
  return readPid(cluster);
}

function readPid(cluster: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(join(cluster, 'postmaster.pid'), 'utf8'), 10);
    return pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** The id may be another program's by now, or a zombie's, which has no command line. */
function isPostmaster(pid: number, cluster: string): boolean {
  // The shell beside it has the same words, but on a later line.
  const [line = ''] = readCommandLine(pid).split('\n');
  return line.includes(`/postgres -D ${cluster} -c `);
}

function readCommandLine(pid: number): string {
  try {
    if (process.platform === 'linux') {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    }
    return execFileSync('ps', ['-ww', '-p', String(pid), '-o', 'args='], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}
