import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identifyDirectory } from '../../ground/util/directory-identity.ts';
import { isAlive, type ProcessIdentity, sendSignal } from './process-identity.ts';

const GONE_PATIENCE_MS = 2_000;

/**
 * Notes the first process of every sandbox in the data directory, before anything of an agent runs in it: with that one
 * ends all that is inside, whatever an agent has made of itself. A record is an empty file, named after the process.
 */
export class SandboxRecords {
  readonly #directory: string;
  /** Ids are given anew from there on. */
  readonly #bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  /** A copy of the directory has these records, too: what they name is not its own. */
  readonly #owner: string;

  constructor(dataDir: string) {
    this.#owner = identifyDirectory(dataDir);
    this.#directory = join(dataDir, 'sandboxes');
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
  }

  add(first: ProcessIdentity): void {
    writeFileSync(this.#pathOf(first), '', { mode: 0o600 });
  }

  remove(first: ProcessIdentity): void {
    rmSync(this.#pathOf(first), { force: true });
  }

  #pathOf({ pid, startedAt }: ProcessIdentity): string {
    return join(this.#directory, `${pid}.${startedAt}.${this.#bootId}.${this.#owner}`);
  }

  /**
   * Ends what an earlier server left running. What waits for a disk cannot be ended until that answers: it has its signal,
   * and stays noted.
   */
  async endAll(patienceMs = GONE_PATIENCE_MS): Promise<EndedSandboxes> {
    const names = readdirSync(this.#directory);
    const outcomes = await Promise.all(names.map(async (name) => await this.#endRecorded(name, patienceMs)));
    const count = (outcome: string): number => outcomes.filter((one) => one === outcome).length;
    return { ended: count('ended'), ending: count('ending') };
  }

  async #endRecorded(name: string, patienceMs: number): Promise<'gone' | 'ended' | 'ending'> {
    const [pid = '', startedAt = '', bootId, owner] = name.split('.');
    const first = { pid: Number(pid), startedAt };
    const isOwn = bootId === this.#bootId && owner === this.#owner;
    const wasAlive = isOwn && isAlive(first);
    if (wasAlive && !(await hasEnded(first, patienceMs))) return 'ending';
    rmSync(join(this.#directory, name), { force: true });
    return wasAlive ? 'ended' : 'gone';
  }
}

/** How many sandboxes. */
export type EndedSandboxes = { ended: number; ending: number };

/** Ends the first process of a sandbox, and waits until the kernel has ended all that is inside. */
export async function endFirst(first: ProcessIdentity): Promise<void> {
  if (!(await hasEnded(first, GONE_PATIENCE_MS))) throw new Error('processes of a sandbox outlived it');
}

async function hasEnded(first: ProcessIdentity, patienceMs: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (isAlive(first)) {
    sendSignal(first.pid, 'SIGKILL');
    if (performance.now() > deadline) return false;
    await delay(2);
  }
  return true;
}
