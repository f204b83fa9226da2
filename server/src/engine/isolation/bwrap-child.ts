import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { errorMessage } from '../../ground/errors.ts';
import { forAtMost } from '../../ground/util/waiting.ts';
import type { Cgroup } from './cgroups.ts';
import { identify, isAlive, type ProcessIdentity, sendSignal } from './process-identity.ts';
import { endFirst, type SandboxRecords } from './sandbox-records.ts';
import { SpawnedChild } from './spawned-child.ts';

/** Descriptors of bubblewrap beside input, output and error; from `directories` on those that it mounts. */
export const descriptors = { seccomp: 3, options: 4, info: 5, go: 6, directories: 7 } as const;

const sandboxInfo = z.looseObject({ 'child-pid': z.int().positive() });

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
  readonly #records: SandboxRecords;
  /** Gives up what was prepared for it. */
  readonly #onGone: () => void;
  /** Resolves when the first process is known, or never will be. */
  readonly #info: Promise<void>;
  #first: ProcessIdentity | null = null;
  #wasKilled = false;
  #exhausted: string | null = null;

  constructor(
    child: ChildProcess,
    parts: { options: readonly string[]; cgroup: Cgroup | null; records: SandboxRecords; onGone: () => void },
  ) {
    super(child);
    this.#cgroup = parts.cgroup;
    this.#records = parts.records;
    this.#onGone = parts.onGone;
    this.pipe(descriptors.options).end(parts.options.map((option) => `${option}\0`).join(''));
    this.#info = this.#noteFirst();
    child.once('exit', () => this.killGroup());
    this.exited
      .then(() => {
        this.#exhausted ??= this.#cgroup?.exhausted() ?? null;
      })
      .catch((error) => this.note(`what it used cannot be read: ${errorMessage(error)}`));
  }

  /** The program inside is started only once its first process is noted. */
  async #noteFirst(): Promise<void> {
    const go = this.pipe(descriptors.go);
    try {
      this.#first = await this.#learnFirst();
      if (this.#first === null) return;
      this.#records.add(this.#first);
      go.end('go\n');
    } catch (error) {
      this.note(`the sandbox cannot be noted: ${errorMessage(error)}`);
      this.killGroup();
    }
  }

  /** Null when it never came so far: its error output says why. */
  async #learnFirst(): Promise<ProcessIdentity | null> {
    const written = await text(this.pipe(descriptors.info)).catch(() => '');
    if (written === '') return null;
    return identify(sandboxInfo.parse(JSON.parse(written))['child-pid']);
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
    const first = this.#first;
    if (first === null || !isAlive(first) || !sendSignal(first.pid, 'SIGKILL')) this.killGroup();
  }

  async destroy(): Promise<void> {
    this.#killInside();
    await forAtMost(KILL_PATIENCE_MS, this.exited);
    // Somebody may have stopped it.
    if (!this.hasExited) this.killGroup();
    await this.exited;
    await this.#info;
    if (this.#first !== null) {
      // Where bubblewrap ended first, this one may be on its own, or the kernel is still ending what is inside.
      await endFirst(this.#first);
      this.#records.remove(this.#first);
    }
    this.#onGone();
  }
}
