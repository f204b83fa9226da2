import { join } from 'node:path';
import { AppError } from '../ground/errors.ts';
import { seedFromCheckout } from './checkout-seed.ts';
import type { Directory } from './directory.ts';
import type { GitRepository } from './git.ts';
import { IgnoreRules } from './ignore-rules.ts';
import { type SnapshotLimits, scanWorkspace } from './scan.ts';
import { type SnapshotFile, SnapshotImport } from './snapshot-import.ts';
import {
  loadTrackedFiles,
  readJson,
  saveTrackedFiles,
  type TrackedFiles,
  writeJson,
} from './tracked-files.ts';

/** `start`, or `turn-<id>` for the state before that turn. */
export type SnapshotName = 'start' | `turn-${string}`;

export type Manifest = {
  /** The newest commit; `files.json` describes it. */
  head: string | null;
  names: Partial<Record<SnapshotName, string>>;
  /** Why there is no snapshot of that name. */
  refused: Partial<Record<SnapshotName, string>>;
  /** Contents kept so far, uncompressed. */
  storedBytes: number;
};

export type Snapshot = { commit: string; omitted: Set<string> };

const MANIFEST = 'snapshots.json';

export async function loadManifest({ directory }: GitRepository): Promise<Manifest> {
  return await readJson(join(directory, MANIFEST), { head: null, names: {}, refused: {}, storedBytes: 0 });
}

export async function saveManifest({ directory }: GitRepository, manifest: Manifest): Promise<void> {
  await writeJson(join(directory, MANIFEST), manifest);
}

/** Keeps the workspace as it is now. Makes no commit when it is as it was. */
export async function takeSnapshot(
  root: Directory,
  repository: GitRepository,
  { isCheckout, limits, now }: { isCheckout: boolean; limits: SnapshotLimits; now: Date },
): Promise<Snapshot> {
  await repository.create();
  const manifest = await loadManifest(repository);
  if (manifest.storedBytes > limits.storedBytes) throw historyFull(limits);
  const { known, isComplete } = await findKnown(root, repository, { head: manifest.head, isCheckout });
  using rules = await IgnoreRules.create(repository);
  using additions = new SnapshotImport(repository);
  const { files, omitted } = await scanWorkspace(root, {
    known,
    rules,
    limits,
    now,
    onContent: async (content) => {
      const stored = manifest.storedBytes + additions.storedBytes + content.length;
      if (stored > limits.storedBytes) throw historyFull(limits);
      await additions.addBlob(content);
    },
  });
  const { directory } = repository;
  const { wasTouched, ...change } = compare(known, files, isComplete);
  let { head } = manifest;
  if (head === null || !isComplete || change.removed.length + change.changed.length > 0) {
    head = await additions.commit({ ...change, parent: head, isComplete, at: now });
    await saveTrackedFiles(directory, { commit: head, files });
    const storedBytes = manifest.storedBytes + additions.storedBytes;
    await saveManifest(repository, { ...manifest, head, storedBytes });
  } else if (wasTouched) await saveTrackedFiles(directory, { commit: head, files });
  return { commit: head, omitted };
}

/** `isComplete` says that the head's tree is exactly what is known. */
async function findKnown(
  root: Directory,
  repository: GitRepository,
  { head, isCheckout }: { head: string | null; isCheckout: boolean },
): Promise<{ known: TrackedFiles; isComplete: boolean }> {
  const known = head === null ? null : await loadTrackedFiles(repository.directory, head);
  if (known !== null) return { known, isComplete: true };
  const isFirst = head === null && isCheckout;
  return { known: isFirst ? await seedFromCheckout(root, repository) : new Map(), isComplete: false };
}

type Change = { removed: string[]; changed: SnapshotFile[]; wasTouched: boolean };

function compare(known: TrackedFiles, files: TrackedFiles, isComplete: boolean): Change {
  const removed = isComplete ? [...known.keys()].filter((path) => !files.has(path)) : [];
  let wasTouched = false;
  const changed: SnapshotFile[] = [];
  for (const [path, { mode, hash, stamp }] of files) {
    const before = known.get(path);
    wasTouched ||= before?.stamp !== stamp;
    if (!isComplete || before?.hash !== hash || before.mode !== mode) changed.push({ path, mode, hash });
  }
  return { removed, changed, wasTouched };
}

function historyFull({ storedBytes }: SnapshotLimits): AppError {
  return new AppError(
    'not_supported',
    `The session has changed more than ${Math.floor(storedBytes / 2 ** 20)} MB of files: no more snapshots are kept.`,
  );
}
