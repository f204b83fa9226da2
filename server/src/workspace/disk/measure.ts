import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { findProgram, MissingProgramError } from '../../ground/util/find-program.ts';

/** What directories take of a file system. */
export type DiskUsage = { bytes: number; files: number };

export type Meter = {
  /** The program `du` with what comes before it, see `meterProgram`. */
  command: readonly string[];
  /** In milliseconds. */
  timeout: number;
  /** GNU's `du` counts files as well; others do not. */
  countsFiles: boolean;
};

/** Nothing came of it although `du` ran: the directories are not to be measured. */
export class UnmeasurableError extends Error {}

const TIMEOUT_MS = 30_000;

/**
 * For directories that agents may have closed: root sees into them, and an ordinary server by bubblewrap, which gives `du`
 * that right over what belongs to the server's user, and no other.
 *
 * @param programs paths of the programs; `bwrap` null: what is closed is left out
 */
export function makeMeter(programs: { du: string; bwrap: string | null }): Meter {
  const { du, bwrap } = programs;
  const { stdout } = spawnSync(du, ['--version'], { env: {}, encoding: 'utf8', timeout: TIMEOUT_MS });
  const settings = { timeout: TIMEOUT_MS, countsFiles: stdout?.includes('GNU') ?? false };
  if (bwrap === null || process.getuid?.() === 0) return { command: [du], ...settings };
  const asReader = ['--unshare-user', '--uid', '0', '--gid', '0', '--cap-add', 'CAP_DAC_READ_SEARCH'];
  const confined = [bwrap, ...asReader, '--die-with-parent', '--ro-bind', '/', '/', '--', du];
  return { command: confined, ...settings };
}

/** As far as the machine has the programs; null without `du`. Where agents are not confined nothing is closed to them. */
export function findMeter(searchPath: string, { confines }: { confines: boolean }): Meter | null {
  const [du, bwrap] = ['du', 'bwrap'].map((name) => findIfThere(name, searchPath));
  return du == null ? null : makeMeter({ du, bwrap: confines ? (bwrap ?? null) : null });
}

function findIfThere(name: string, searchPath: string): string | null {
  try {
    return findProgram(name, searchPath);
  } catch (error) {
    if (error instanceof MissingProgramError) return null;
    throw error;
  }
}

/** What vanishes meanwhile is left out. Throws when it takes too long, or there is nothing to measure. */
export async function measureDisk(meter: Meter, directories: readonly string[]): Promise<DiskUsage> {
  // One after the other: the second finds in memory what the first has read.
  const bytes = await measureBytes(meter, directories);
  const files = meter.countsFiles ? await run(meter, ['--inodes', '-sx', '--', ...directories]) : 0;
  return { bytes, files };
}

/** The same, for their bytes alone. */
export async function measureBytes(meter: Meter, directories: readonly string[]): Promise<number> {
  return (await run(meter, ['-skx', '--', ...directories])) * 1024;
}

async function run({ command, timeout }: Meter, args: readonly string[]): Promise<number> {
  const [program = '', ...first] = command;
  const child = spawn(program, [...first, ...args], {
    env: {},
    // An agent may see to it that there are more errors than anybody can read.
    stdio: ['ignore', 'pipe', 'ignore'],
    timeout,
    killSignal: 'SIGKILL',
  });
  const exited = once(child, 'exit');
  // Where no descriptor or process is left to start it with there are no streams, and `exited` says why.
  const [[code, signal], output] = await Promise.all([
    exited,
    child.stdout === undefined ? '' : text(child.stdout),
  ]);
  // 1: it has left something out.
  if ((code === 0 || code === 1) && output !== '') return sum(output);
  throw new UnmeasurableError(`du gave no answer: it ended with ${signal ?? code}`);
}

function sum(output: string): number {
  return output.split('\n').reduce((total, line) => total + Number.parseInt(line || '0', 10), 0);
}
