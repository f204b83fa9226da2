import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Cgroup } from './cgroups.ts';
import { SpawnedChild } from './spawned-child.ts';

/** Descriptors of bubblewrap beside input, output and error. */
export const descriptors = { seccomp: 3, options: 4, info: 5 } as const;

const sandboxInfo = z.looseObject({ 'child-pid': z.int().positive() });

const GONE_PATIENCE_MS = 2_000;
const KILL_PATIENCE_MS = 500;

/**
 * An agent in bubblewrap. The process that is started becomes bubblewrap, which waits outside; inside, a first process
 * collects what ends, and has the program as its child. When the first one goes, the kernel ends all that is inside.
 */
export class BwrapChild extends SpawnedChild {
  readonly #cgroup: Cgroup | null;
  /** Gives up what was prepared for it. */
  readonly #onGone: () => void;
  #firstPid: number | null = null;
  #wasKilled = false;
  #exhausted: string | null = null;

  constructor(
    child: ChildProcess,
    parts: { options: readonly string[]; cgroup: Cgroup | null; onGone: () => void },
  ) {
    super(child);
    this.#cgroup = parts.cgroup;
    this.#onGone = parts.onGone;
    this.pipe(descriptors.options).end(parts.options.map((option) => `${option}\0`).join(''));
    this.#learnPid().catch(() => {}); // it never came so far: its error output says why
    void this.exited.then(() => {
      this.#exhausted ??= this.#cgroup?.exhausted() ?? null;
    });
  }

  async #learnPid(): Promise<void> {
    const info = await text(this.pipe(descriptors.info));
    this.#firstPid = sandboxInfo.parse(JSON.parse(info))['child-pid'];
  }

  override get killed(): boolean {
    return this.#wasKilled || super.killed;
  }

  override exhausted(): string | null {
    return this.#exhausted;
  }

  override kill(signal: NodeJS.Signals): boolean {
    const program = this.#findProgram();
    if (program === null) return super.kill(signal);
    this.#wasKilled = sendSignal(program, signal);
    return this.#wasKilled;
  }

  #findProgram(): number | null {
    if (this.#firstPid === null || this.hasExited) return null;
    try {
      const children = readFileSync(`/proc/${this.#firstPid}/task/${this.#firstPid}/children`, 'utf8');
      // The program is the first; what it left behind when it ended comes after it.
      const [first = ''] = children.trim().split(' ');
      return first === '' ? null : Number(first);
    } catch {
      return null; // gone, or a kernel that does not tell
    }
  }

  /** Ends it for a limit that somebody else watches. */
  exceed(limit: string): void {
    this.#exhausted ??= limit;
    this.#killInside();
  }

  #killInside(): void {
    // By the first process inside: bubblewrap then ends after all the others, and not before.
    if (!this.hasExited && (this.#firstPid === null || !sendSignal(this.#firstPid, 'SIGKILL')))
      super.kill('SIGKILL');
  }

  async destroy(): Promise<void> {
    this.#killInside();
    await Promise.race([this.exited, delay(KILL_PATIENCE_MS, undefined, { ref: false })]);
    // Somebody may have stopped it.
    if (!this.hasExited) super.kill('SIGKILL');
    await this.exited;
    await this.#insideIsGone();
    this.#onGone();
  }

  /** Where bubblewrap ended first, the kernel is still ending what was inside. */
  async #insideIsGone(): Promise<void> {
    const deadline = performance.now() + GONE_PATIENCE_MS;
    while (this.#firstPid !== null && isAlive(this.#firstPid)) {
      if (performance.now() > deadline) throw new Error('processes of a sandbox outlived it');
      await delay(2);
    }
  }
}

/** Of one that has ended, whoever has to collect it may take seconds for that. */
function isAlive(pid: number): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const state = status.slice(status.lastIndexOf(')') + 2, status.lastIndexOf(')') + 3);
    return state !== 'Z' && state !== 'X';
  } catch {
    return false;
  }
}

/** @returns whether there was somebody to get it */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}
