import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

export type ChildSpec = {
  script: string;
  /** Given to Node itself. */
  flags?: readonly string[];
  env: Record<string, string>;
  /** Where its standard error goes. */
  logPath: string;
  /** The first line of standard output that matches says that it is ready. */
  ready: RegExp;
  /** A module that it loads first, and can be asked by `ask`. */
  watch?: string;
  signal: AbortSignal;
};

/** A program of the benchmark that runs beside it, as a Node process of its own. */
export type RunningChild = {
  match: RegExpExecArray;
  /** What its `watch` answers. */
  ask(): Promise<unknown>;
  [Symbol.asyncDispose](): Promise<void>;
};

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;

export async function startChild(spec: ChildSpec): Promise<RunningChild> {
  const log = openSync(spec.logPath, 'a', 0o600);
  const { watch } = spec;
  const flags = [...(spec.flags ?? []), ...(watch === undefined ? [] : ['--import', watch])];
  const child = spawn(process.execPath, [...flags, spec.script], {
    env: spec.env,
    stdio: ['ignore', 'pipe', log, ...(watch === undefined ? [] : (['ipc'] as const))],
  });
  try {
    const match = await findReadyLine(child, spec);
    child.stdout?.resume();
    const ask = async (): Promise<unknown> => {
      const answer = once(child, 'message', { signal: spec.signal });
      child.send('figures');
      return (await answer)[0];
    };
    return { match, ask, [Symbol.asyncDispose]: async () => await stop(child) };
  } catch (error) {
    await stop(child);
    const tail = readFileSync(spec.logPath, 'utf8').slice(-2_000);
    throw new Error(`${spec.script} did not start: ${tail}`, { cause: error });
  }
}

async function findReadyLine(child: ChildProcess, spec: ChildSpec): Promise<RegExpExecArray> {
  if (child.stdout === null) throw new Error('no standard output');
  const signal = AbortSignal.any([spec.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  for await (const line of createInterface({ input: child.stdout, signal })) {
    const match = spec.ready.exec(line);
    if (match !== null) return match;
  }
  throw signal.reason ?? new Error('its output ended');
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timeout = delay(STOP_TIMEOUT_MS, 'timeout', { ref: false });
  if ((await Promise.race([gone, timeout])) === 'timeout') child.kill('SIGKILL');
  await gone;
}
