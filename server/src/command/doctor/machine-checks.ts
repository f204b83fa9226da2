import { readFile, statfs } from 'node:fs/promises';
import { type Finding, fail, ok, warn } from './finding.ts';

const GB = 2 ** 30;
const OLDEST_NODE = 24;

export function checkNode(version: string): Finding {
  if (Number(version.split('.')[0]) >= OLDEST_NODE) return ok('node', version);
  return fail('node', version, `install Node.js ${OLDEST_NODE} or newer`);
}

/** Room for transcripts, workspaces and, unless there is another one, the database. */
export async function checkDisk(directory: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(directory);
  const free = (bavail * bsize) / GB;
  const detail = `${free.toFixed(1)} GB free at ${directory}`;
  const mend = 'make room, or choose another directory with --data-dir';
  if (free < 0.5) return fail('disk', detail, mend);
  return free < 5 ? warn('disk', detail, mend) : ok('disk', detail);
}

const SESSION_BYTES = 0.3 * GB;

export function checkMemory(available: number, maxSessions: number): Finding {
  const needed = maxSessions * SESSION_BYTES;
  const gb = (bytes: number): string => `${(bytes / GB).toFixed(1)} GB`;
  const detail = `${gb(available)} available; ${maxSessions} sessions may need ${gb(needed)}`;
  if (available >= needed) return ok('memory', detail);
  return warn(
    'memory',
    detail,
    `lower --max-sessions to ${Math.max(1, Math.floor(available / SESSION_BYTES))}`,
  );
}

/** Of what the server may open and start: agents are processes with pipes and sockets, streams are connections. */
export async function checkLimits(maxSessions: number): Promise<Finding[]> {
  const text = await readFile('/proc/self/limits', 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return [ok('limits', 'this system does not tell them')];
  return [
    compare('open files', softLimit(text, 'Max open files'), 1024 + maxSessions * 32, 'LimitNOFILE'),
    compare('processes', softLimit(text, 'Max processes'), 256 + maxSessions * 64, 'LimitNPROC or TasksMax'),
  ];
}

function compare(what: string, limit: number, wanted: number, setting: string): Finding {
  const detail = limit === Number.POSITIVE_INFINITY ? 'unlimited' : `at most ${limit}`;
  if (limit >= wanted) return ok(what, detail);
  return warn(what, detail, `allow ${wanted}: ulimit, or ${setting} of the service`);
}

/** Exported for its test. */
export function softLimit(limits: string, name: string): number {
  const value = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits)?.[1];
  if (value === undefined) throw new Error(`there is no "${name}" among the limits`);
  return value === 'unlimited' ? Number.POSITIVE_INFINITY : Number(value);
}
