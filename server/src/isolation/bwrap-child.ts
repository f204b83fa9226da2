import type { ChildProcess } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Cgroup } from './cgroups.ts';
import { SpawnedChild } from './spawned-child.ts';

/** Descriptors of bubblewrap beside input, output and error; from `directories` on those that it mounts. */
export const descriptors = { seccomp: 3, options: 4, info: 5, directories: 6 } as const;

const sandboxInfo = z.looseObject({ 'child-pid': z.int().positive(), 'pid-namespace': z.int().positive() });

type FirstProcess = { pid: number; namespace: string };

const GONE_PATIENCE_MS = 2_000;
const KILL_PATIENCE_MS = 500;

/**
 * An agent in bubblewrap. The process that is started becomes bubblewrap, which waits outside; inside, a first process
 * collects what ends, and has the program as its child. When the first one goes, the kernel ends all that is inside.
 *
 * The first one ends with bubblewrap only once all is set up: until then it is in bubblewrap's process group, and has to
 * be ended with that, or it would wait for bubblewrap for ever, or go on without it.
 */
export class BwrapChild extends SpawnedChild {
  readonly #cgroup: Cgroup | null;
  /** Gives up what was prepared for it. */
  readonly #onGone: () => void;
  /** Resolves when the first process is known, or never will be. */
  readonly #info: Promise<void>;
  #first: FirstProcess | null = null;
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
    this.#info = this.#learnFirst().catch(() => {}); // it never came so far: its error output says why
    child.once('exit', () => this.killGroup());
    void this.exited.then(() => {
      this.#exhausted ??= this.#cgroup?.exhausted() ?? null;
    });
  }

  async #learnFirst(): Promise<void> {
    const info = sandboxInfo.parse(JSON.parse(await text(this.pipe(descriptors.info))));
    this.#first = { pid: info['child-pid'], namespace: `pid:[${info['pid-namespace']}]` };
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
    if (this.#first === null || this.hasExited) return null;
    const { pid } = this.#first;
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
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
    if (this.hasExited) return;
    // By the first process inside: bubblewrap then ends after all the others, and not before.
    if (this.#first === null || !sendSignal(this.#first.pid, 'SIGKILL')) this.killGroup();
  }

  async destroy(): Promise<void> {
    this.#killInside();
    await Promise.race([this.exited, delay(KILL_PATIENCE_MS, undefined, { ref: false })]);
    // Somebody may have stopped it.
    if (!this.hasExited) this.killGroup();
    await this.exited;
    await this.#info;
    await this.#endFirst();
    this.#onGone();
  }

  /** Where bubblewrap ended first, the first process may be on its own, or the kernel is still ending what is inside. */
  async #endFirst(): Promise<void> {
    if (this.#first === null) return;
    const deadline = performance.now() + GONE_PATIENCE_MS;
    while (isAlive(this.#first)) {
      sendSignal(this.#first.pid, 'SIGKILL');
      if (performance.now() > deadline) throw new Error('processes of a sandbox outlived it');
      await delay(2);
    }
  }
}

/** Of one that has ended, whoever has to collect it may take seconds for that; its id may then be somebody else's. */
function isAlive({ pid, namespace }: FirstProcess): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) return false;
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
