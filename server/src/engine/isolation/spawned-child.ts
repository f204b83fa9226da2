import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { AgentChild, AgentExit } from './driver.ts';

const STDERR_TAIL_CHARACTERS = 4_000;

/** What agent processes of all drivers have in common. Drivers say how one is ended. */
export abstract class SpawnedChild implements AgentChild {
  protected readonly child: ChildProcess;
  readonly exited: Promise<AgentExit>;
  #stderr = '';

  constructor(child: ChildProcess) {
    this.child = child;
    // A spawn that fails for want of file descriptors has no streams, and says so by this event.
    child.on('error', () => {});
    if (child.stdio?.[2] === undefined)
      throw new Error('no file descriptors are left to start the agent with');
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.#stderr = (this.#stderr + chunk).slice(-STDERR_TAIL_CHARACTERS);
    });
    this.exited = this.#awaitExit();
  }

  async #awaitExit(): Promise<AgentExit> {
    try {
      const [code, signal] = await once(this.child, 'exit');
      return { code, signal };
    } catch (error) {
      this.#stderr += String(error);
      return { code: null, signal: null };
    }
  }

  /** A pipe beside standard input, output and error; broken when the other end is gone. */
  protected pipe(descriptor: number): Writable & Readable {
    const pipe = this.child.stdio?.[descriptor] as (Writable & Readable) | undefined;
    if (pipe === undefined) throw new Error('no file descriptors are left to start the agent with');
    pipe.on('error', () => {});
    return pipe;
  }

  protected get hasExited(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }
  get stdin(): Writable {
    return this.child.stdin as Writable;
  }
  get stdout(): Readable {
    return this.child.stdout as Readable;
  }
  get killed(): boolean {
    return this.child.killed;
  }
  get exitCode(): number | null {
    return this.child.exitCode;
  }
  get signalCode(): NodeJS.Signals | null {
    return this.child.signalCode;
  }

  /** Adds to what the process printed. */
  protected note(text: string): void {
    this.#stderr += `${text}\n`;
  }

  stderrTail(): string {
    return this.#stderr.trim();
  }

  exhausted(): string | null {
    return null;
  }

  kill(signal: NodeJS.Signals): boolean {
    return this.child.kill(signal);
  }

  /** What is left of the process group that it leads. Its id stays taken as long as it, or one of them, is there. */
  protected killGroup(): void {
    if (this.child.pid === undefined) return;
    try {
      process.kill(-this.child.pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  abstract destroy(): Promise<void>;

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of the interface, passed on as they are
  on(event: string, listener: (...values: any[]) => void): void {
    this.child.on(event, listener);
  }
  // biome-ignore lint/suspicious/noExplicitAny: as above
  once(event: string, listener: (...values: any[]) => void): void {
    this.child.once(event, listener);
  }
  // biome-ignore lint/suspicious/noExplicitAny: as above
  off(event: string, listener: (...values: any[]) => void): void {
    this.child.off(event, listener);
  }
}
