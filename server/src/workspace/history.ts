import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, errorMessage } from '../ground/errors.ts';
import type { Logger } from '../ground/log.ts';
import { type DiffOptions, listChanges, type RawChange, writeDiff } from './diff.ts';
import type { Directory } from './directory.ts';
import type { Allowance } from './disk/session-disk.ts';
import { isMissing } from './file-errors.ts';
import { GitRepository } from './git.ts';
import { openPlace, type WorkspacePlace } from './place.ts';
import { type Conflict, restoreFiles } from './restore.ts';
import { type SnapshotLimits, snapshotLimits } from './scan.ts';
import { loadManifest, type Snapshot, type SnapshotName, saveManifest, takeSnapshot } from './snapshots.ts';

export type Changes = {
  files: RawChange[];
  diff: Buffer;
  truncated: boolean;
  /** Present, but in no snapshot. */
  omitted: string[];
};

type Rewinding = {
  to: SnapshotName;
  dryRun: boolean;
  mayBegin: () => Promise<void>;
  /** For what is written. */
  allowance?: Allowance | null;
};

/** A snapshot, or why there is none. */
type Captured = { commit: string } | { refusal: string };

const MAX_SETTLED = 10_000;

/**
 * Snapshots of workspaces: one when a session starts, one before each turn. They are what changes are shown against and
 * what a rewind goes back to. One thing at a time happens to a session's history, in the order in which it was asked for.
 */
export class WorkspaceHistory {
  readonly #path: string;
  readonly #logger: Logger;
  readonly #confinesAgents: boolean;
  readonly #limits: SnapshotLimits;
  readonly #now: () => Date;
  readonly #busy = new Map<string, Promise<unknown>>();
  /** Sessions whose newest snapshot is still what is there, as far as this process knows. */
  readonly #settled = new Map<string, Captured>();
  readonly #written = new Set<string>();

  constructor(options: {
    /** Search path for git. */
    path: string;
    logger: Logger;
    /** Whether agents have users of their own where the server is root. */
    confinesAgents?: boolean;
    limits?: SnapshotLimits;
    now?: () => Date;
  }) {
    this.#path = options.path;
    this.#logger = options.logger;
    this.#confinesAgents = options.confinesAgents ?? false;
    this.#limits = options.limits ?? snapshotLimits;
    this.#now = options.now ?? (() => new Date());
  }

  /**
   * Keeps the workspace as it is before a turn, and as the session's start if it is the first. To be awaited before the
   * agent gets the prompt. Never throws: a turn runs without a snapshot too.
   */
  async beforeTurn(place: WorkspacePlace, turnId: string): Promise<void> {
    await this.#quietly(place, async () => {
      if (place.isManaged) await mkdir(place.directory, { recursive: true, mode: 0o700 });
      const settled = this.#settled.get(place.sessionId);
      this.#settled.delete(place.sessionId);
      await this.#name(place, `turn-${turnId}`, settled ?? (await this.#tryCapture(place)));
    });
  }

  /** Keeps the workspace as a turn left it, so that the next need not wait for that. Never throws. */
  async afterTurn(place: WorkspacePlace): Promise<void> {
    await this.#quietly(place, async () => {
      this.#written.delete(place.sessionId);
      const captured = await this.#tryCapture(place);
      if (!this.#written.has(place.sessionId)) this.#settle(place, captured);
    });
  }

  /** To be called when somebody but the agent wrote into the workspace. */
  noticeWrite(sessionId: string): void {
    this.#settled.delete(sessionId);
    // A snapshot that is being taken may have it or not.
    if (this.#busy.has(sessionId)) this.#written.add(sessionId);
  }

  /** What differs from a snapshot. */
  async changes(
    place: WorkspacePlace,
    options: { from: SnapshotName; path: string | null; context: number },
  ): Promise<Changes> {
    const repository = this.#repositoryOf(place);
    const { from, now } = await this.#exclusively(place, async () => {
      await this.#requireHistory(place);
      return { from: await findCommit(repository, options.from), now: await this.#capture(place) };
    });
    const range: DiffOptions = { from, to: now.commit, path: options.path };
    const [files, { diff, truncated }] = await Promise.all([
      listChanges(repository, { ...range, renames: true }),
      writeDiff(repository, { ...range, context: options.context }),
    ]);
    return { files, diff, truncated, omitted: [...now.omitted].toSorted() };
  }

  /**
   * Makes the files what they were before a turn.
   *
   * @param mayBegin throws when they must not be touched now; asked when nothing else happens to the history
   */
  async rewind(
    place: WorkspacePlace,
    { to, dryRun, mayBegin, allowance = null }: Rewinding,
  ): Promise<{ changes: RawChange[]; conflicts: Conflict[] }> {
    return await this.#exclusively(place, async () => {
      await mayBegin();
      const repository = this.#repositoryOf(place);
      await this.#requireHistory(place);
      const target = await findCommit(repository, to);
      const now = await this.#capture(place);
      const changes = await listChanges(repository, {
        from: now.commit,
        to: target,
        path: null,
        renames: false,
      });
      if (dryRun || changes.length === 0) return { changes, conflicts: [] };
      this.#settled.delete(place.sessionId);
      await using root = await openPlace(place, this.#confinesAgents);
      return { changes, conflicts: await restoreFiles(root, { repository, changes, allowance }) };
    });
  }

  async #name(place: WorkspacePlace, name: SnapshotName, captured: Captured): Promise<void> {
    const repository = this.#repositoryOf(place);
    if (!repository.exists) return;
    const manifest = await loadManifest(repository);
    const isFirst = manifest.names.start === undefined && manifest.refused.start === undefined;
    for (const each of isFirst ? (['start', name] as const) : [name]) {
      if ('commit' in captured) manifest.names[each] = captured.commit;
      else manifest.refused[each] = captured.refusal;
    }
    await saveManifest(repository, manifest);
  }

  /** That there can be no snapshot is an answer as well, and asking again would cost the same. */
  async #tryCapture(place: WorkspacePlace): Promise<Captured> {
    try {
      return { commit: (await this.#capture(place)).commit };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      const logger = this.#logger.child({ session_id: place.sessionId });
      logger.debug({ reason: error.message }, 'took no snapshot');
      return { refusal: error.message };
    }
  }

  /** Says why there can be none; a missing git program is such a reason. */
  async #requireHistory(place: WorkspacePlace): Promise<void> {
    const repository = this.#repositoryOf(place);
    if (repository.exists) return;
    await using root = await openPlace(place, this.#confinesAgents);
    if (!place.isManaged) await requireCheckout(root);
    await repository.create();
  }

  async #capture(place: WorkspacePlace): Promise<Snapshot> {
    const repository = this.#repositoryOf(place);
    await this.#requireHistory(place);
    await using root = await openPlace(place, this.#confinesAgents);
    return await takeSnapshot(root, repository, {
      isCheckout: !place.isManaged,
      limits: this.#limits,
      now: this.#now(),
    });
  }

  #repositoryOf({ sessionRoot }: WorkspacePlace): GitRepository {
    return new GitRepository({ directory: join(sessionRoot, 'history.git'), path: this.#path });
  }

  #settle(place: WorkspacePlace, captured: Captured): void {
    this.#settled.set(place.sessionId, captured);
    if (this.#settled.size <= MAX_SETTLED) return;
    for (const oldest of this.#settled.keys()) {
      this.#settled.delete(oldest);
      return;
    }
  }

  async #quietly(place: WorkspacePlace, work: () => Promise<void>): Promise<void> {
    const logger = this.#logger.child({ session_id: place.sessionId });
    try {
      await this.#exclusively(place, work);
    } catch (error) {
      this.#settled.delete(place.sessionId);
      logger.warn({ err: error }, `could not take a snapshot: ${errorMessage(error)}`);
    }
  }

  async #exclusively<T>({ sessionId }: WorkspacePlace, work: () => Promise<T>): Promise<T> {
    const before = this.#busy.get(sessionId);
    const after = (async () => {
      await before?.catch(() => {});
      return await work();
    })();
    this.#busy.set(sessionId, after);
    try {
      return await after;
    } finally {
      if (this.#busy.get(sessionId) === after) this.#busy.delete(sessionId);
    }
  }

  /** Waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#busy.values());
  }
}

async function findCommit(repository: GitRepository, name: SnapshotName): Promise<string> {
  const { names, refused } = await loadManifest(repository);
  const commit = names[name];
  if (commit !== undefined) return commit;
  const what = name === 'start' ? "the session's start" : 'the time before this turn';
  throw new AppError('not_supported', `There is no snapshot of ${what} on this node.`, {
    hint: refused[name] ?? 'it began on another node, or before this server kept snapshots',
  });
}

async function requireCheckout(root: Directory): Promise<void> {
  try {
    await root.stat('.git');
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new AppError(
      'not_supported',
      'The working directory is not the top of a git checkout: no snapshots are kept of it.',
      { hint: 'leave cwd out for a workspace of its own, or make it a repository with git init' },
    );
  }
}
