import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { AgentChild, AgentCommand, AgentExit, IsolationDriver } from './driver.ts';
import { killMarked, MARK_VARIABLE } from './stray-processes.ts';

const STDERR_TAIL_CHARACTERS = 4_000;

/**
 * Runs beside the program and ends it when the server dies. It reads a pipe that only the server holds open: a line
 * means that the program ended by itself, end-of-file that the server is gone. The program gets SIGTERM first, since
 * it then ends the tools that it runs in process groups of their own.
 */
const WATCHED = `
( if IFS= read -r _ <&3; then exit 0; fi
  kill -TERM $$
  n=0
  while [ $n -lt 20 ] && kill -0 $$; do sleep 0.1; n=$((n + 1)); done
  kill -KILL -- -$$
) </dev/null >/dev/null 2>&1 &
exec 3<&-
exec "$@"
`;

/** A plain process, in a process group of its own: no confinement. */
export const noIsolation: IsolationDriver = {
  name: 'none',
  confines: false,
  spawn: (command) => new PlainChild(command),
  sweep: killMarked,
};

class PlainChild implements AgentChild {
  readonly #child: ChildProcess;
  readonly #mark: string;
  readonly exited: Promise<AgentExit>;
  #stderr = '';

  constructor({ command, args, cwd, env, mark }: AgentCommand) {
    this.#mark = mark;
    this.#child = spawn('/bin/sh', ['-c', WATCHED, 'greenroom-agent', command, ...args], {
      cwd,
      env: { ...env, [MARK_VARIABLE]: mark },
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    // A spawn that fails for want of file descriptors has no streams, and says so by this event.
    this.#child.on('error', () => {});
    const watcher = this.#child.stdio?.[3] as Writable | undefined;
    if (watcher === undefined) throw new Error('no file descriptors are left to start the agent with');
    watcher.on('error', () => {}); // the watcher may be killed with its group
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr = (this.#stderr + chunk).slice(-STDERR_TAIL_CHARACTERS);
    });
    this.exited = this.#awaitExit(watcher);
  }

  async #awaitExit(watcher: Writable): Promise<AgentExit> {
    try {
      const [code, signal] = await once(this.#child, 'exit');
      return { code, signal };
    } catch (error) {
      this.#stderr += String(error);
      return { code: null, signal: null };
    } finally {
      watcher.end('ended\n');
    }
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }
  get stdin(): Writable {
    return this.#child.stdin as Writable;
  }
  get stdout(): Readable {
    return this.#child.stdout as Readable;
  }
  get killed(): boolean {
    return this.#child.killed;
  }
  get exitCode(): number | null {
    return this.#child.exitCode;
  }
  get signalCode(): NodeJS.Signals | null {
    return this.#child.signalCode;
  }

  stderrTail(): string {
    return this.#stderr.trim();
  }

  kill(signal: NodeJS.Signals): boolean {
    return this.#child.kill(signal);
  }

  async destroy(): Promise<void> {
    this.#killGroup();
    await this.exited;
    await killMarked(this.#mark);
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of the interface, passed on as they are
  on(event: string, listener: (...values: any[]) => void): void {
    this.#child.on(event, listener);
  }
  // biome-ignore lint/suspicious/noExplicitAny: as above
  once(event: string, listener: (...values: any[]) => void): void {
    this.#child.once(event, listener);
  }
  // biome-ignore lint/suspicious/noExplicitAny: as above
  off(event: string, listener: (...values: any[]) => void): void {
    this.#child.off(event, listener);
  }
}
