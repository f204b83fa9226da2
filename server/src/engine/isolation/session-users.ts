import { readFileSync } from 'node:fs';
import { chmod, lchown, lstat, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { directoryUser, type SessionUser } from '../../ground/util/directory-user.ts';

type Range = { first: number; count: number };

/** Beyond the accounts of a system; where a container has fewer, between those of people and `nobody`. */
const candidates: Range[] = [
  { first: 200_000, count: 300_000 },
  { first: 20_000, count: 40_000 },
];

/** The user ids that this process may take, by `/proc/self/uid_map`. */
export function findUserRange(uidMap: string): Range | null {
  const mapped = uidMap
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const holds = ({ first, count }: Range): boolean =>
    mapped.some(([start = 0, , size = 0]) => first >= start && first + count <= start + size);
  return candidates.find(holds) ?? null;
}

/**
 * A user of its own for every session, when the server is root. Who owns a session's home is who it runs as: that is
 * the record, and it is made last, so that a server that dies in the middle gives the files again.
 */
export class SessionUsers {
  readonly #sessionsDirectory: string;
  readonly #range: Range;
  /** As far as is known: with those of sessions that were deleted since. */
  #taken: Promise<Set<number>> | null = null;
  /** Of sessions whose home is not theirs yet. */
  readonly #giving = new Set<number>();
  #next: number;

  constructor(sessionsDirectory: string, range = findUserRange(readFileSync('/proc/self/uid_map', 'utf8'))) {
    if (range === null) throw new Error('there are too few user ids here to give each session its own');
    this.#sessionsDirectory = sessionsDirectory;
    this.#range = range;
    this.#next = range.first;
  }

  /**
   * Gives home and workspace to the session's user.
   *
   * @param owner of the directory that it was told to work in, which is left to them; null where it works in its own
   */
  async give(session: { home: string; workspace: string }, owner: SessionUser | null): Promise<SessionUser> {
    const user = await this.#findUser(session.home, owner);
    const sessionRoot = dirname(session.home);
    try {
      for (const path of [dirname(sessionRoot), sessionRoot]) await makePassable(path);
      if (owner === null) await giveTree(session.workspace, user);
      await giveTree(session.home, user);
    } finally {
      this.#giving.delete(user.uid);
    }
    return user;
  }

  /** Whose the directory is that it was told to work in; never root. */
  async #findUser(home: string, given: SessionUser | null): Promise<SessionUser> {
    const worker = given === null ? null : directoryUser(given);
    if (worker !== null) return worker;
    const { uid: owner } = await lstat(home);
    if (this.#isOurs(owner)) return { uid: owner, gid: owner };
    const taken = await this.#take();
    return { uid: taken, gid: taken };
  }

  /** A user id that no session has. */
  async #take(): Promise<number> {
    const known = this.#taken ?? this.#look();
    const free = this.#takeOf(await known);
    if (free !== null) return free;
    // Sessions may have been deleted. Whoever else found none meanwhile waits for the same look.
    const again = this.#taken === null || this.#taken === known ? this.#look() : this.#taken;
    const returned = this.#takeOf(await again);
    if (returned !== null) return returned;
    throw new Error(`all ${this.#range.count} user ids for sessions are taken: delete old sessions`);
  }

  #look(): Promise<Set<number>> {
    const look = this.#findTaken();
    this.#taken = look;
    look.catch(() => {
      if (this.#taken === look) this.#taken = null;
    });
    return look;
  }

  #takeOf(taken: Set<number>): number | null {
    const { first, count } = this.#range;
    for (let tries = 0; tries < count; tries++) {
      const uid = this.#next;
      this.#next = first + ((uid - first + 1) % count);
      if (taken.has(uid)) continue;
      taken.add(uid);
      this.#giving.add(uid);
      return uid;
    }
    return null;
  }

  #isOurs(uid: number): boolean {
    return uid >= this.#range.first && uid < this.#range.first + this.#range.count;
  }

  async #findTaken(): Promise<Set<number>> {
    const owners = new Set(this.#giving);
    const names = await readdir(this.#sessionsDirectory).catch(ignoreMissing);
    for (const name of names) {
      const home = await lstat(join(this.#sessionsDirectory, name, 'home')).catch(ignoreMissing);
      if ('uid' in home) owners.add(home.uid);
    }
    return owners;
  }
}

/** Its user has to pass through; what is in it guards itself. */
async function makePassable(path: string): Promise<void> {
  const { mode } = await lstat(path);
  if ((mode & 0o011) !== 0o011) await chmod(path, (mode & 0o777) | 0o011);
}

/** Gives a directory with all that is in it to a user who does not own it yet; at that time no agent runs there. */
async function giveTree(path: string, user: SessionUser): Promise<void> {
  const { uid } = await lstat(path);
  if (uid === user.uid) return;
  await giveEntries(path, user);
  await lchown(path, user.uid, user.gid);
}

async function giveEntries(directory: string | Buffer, user: SessionUser): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true, encoding: 'buffer' })) {
    // Names need not be text.
    const path = Buffer.concat([Buffer.from(directory), Buffer.from('/'), entry.name]);
    if (entry.isDirectory()) await giveEntries(path, user);
    await lchown(path, user.uid, user.gid);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ELOOP') return [];
  throw error;
}
