import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Answer, findProcesses } from './harness.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A server as a user starts it: its own process, with its own PostgreSQL in `dataDir`. */
export class ServerProcess {
  readonly dataDir: string;
  readonly url: string;
  readonly #child: ChildProcess;
  readonly exited: Promise<[number | null, NodeJS.Signals | null]>;

  constructor(child: ChildProcess, dataDir: string, url: string) {
    this.#child = child;
    this.dataDir = dataDir;
    this.url = url;
    this.exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  }

  get stderr(): NodeJS.ReadableStream {
    return this.#child.stderr ?? assert.fail('no error output');
  }

  get pid(): number {
    return this.#child.pid ?? assert.fail('the server has no pid');
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async request(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(this.url + path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    return { status: response.status, headers: response.headers, body: await response.json() };
  }

  async execute(body: object): Promise<string> {
    const answer = await this.request('POST', '/execute/', body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body.session_id;
  }

  /** Processes that belong to this data directory: its PostgreSQL and its agents. */
  async processes(): Promise<number[]> {
    const nodeId = (await readFile(join(this.dataDir, 'node-id'), 'utf8')).trim();
    const found = await Promise.all([
      findProcesses(`${nodeId}.`),
      findProcesses(join(this.dataDir, 'postgres')),
    ]);
    return [...new Set(found.flat())].filter((pid) => pid !== this.pid);
  }

  /** Whoever read its output goes away. */
  stopReading(): void {
    this.#child.stdout?.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // Until it hurries: signals in quick succession count as one.
    const presses = setInterval(() => this.#child.kill('SIGTERM'), 100);
    await this.exited;
    clearInterval(presses);
  }
}

export type StartOptions = {
  dataDir: string;
  /** The one of an earlier server, for clients that come back; any that is free when it is left out. */
  port?: number;
  env?: Record<string, string>;
  /** null leaves it to the environment. */
  logLevel?: string | null;
  /** Where its log goes instead of to `stderr`. */
  stderr?: number;
  /** Started by another user; only root can. */
  user?: number | undefined;
  /** Started as the README says. */
  npm?: boolean;
};

export async function startServerProcess(options: StartOptions): Promise<ServerProcess> {
  const child = spawnServer(options);
  const lines = createInterface({ input: child.stdout ?? assert.fail('no output') });
  for await (const line of lines) {
    const url = /^\s*Greenroom \S+\s+(http:\S+)$/.exec(line)?.[1];
    if (url === undefined) continue;
    child.stdout?.resume();
    return new ServerProcess(child, options.dataDir, url);
  }
  throw new Error('the server did not start');
}

/** With an exact environment, and without waiting for it. */
export function spawnServer(options: StartOptions): ChildProcess {
  const { dataDir, port = 0, env, logLevel = 'warn', stderr = 'pipe', user } = options;
  const level = logLevel === null ? [] : ['--log-level', logLevel];
  const flags = ['--data-dir', dataDir, '--port', String(port), ...level];
  const [command, ...args] = options.npm
    ? ['npm', 'start', '--', ...flags]
    : [process.execPath, main, ...flags];
  return spawn(command ?? '', args, {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: dataDir, GREENROOM_DEMO_TOKENS_PER_SECOND: '100000', ...env },
    stdio: ['ignore', 'pipe', stderr],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
}

/** For tests that make no claim about time: on a busy machine the start of an agent alone takes ten seconds. */
const PATIENCE_MS = 60_000;

/** Asks again until it is so: for what the operating system has no event for. */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) assert.fail(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
