import type { Kysely, Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import { AppError } from '../../ground/errors.ts';
import { findReplay, type IdempotentRequest, type Once } from '../../ground/idempotency/service.ts';
import type { Identity } from '../../ground/identity.ts';
import { newSessionId } from '../../ground/ids.ts';
import { type Committed, commitOnce } from '../../session/commit.ts';
import { sessionDirectories } from '../../session/directories.ts';
import { requireKeyLimits } from '../../session/key-limits.ts';
import { queueTurn, settleFork } from '../../session/lifecycle.ts';
import { requireForkable } from '../../session/requirements.ts';
import {
  getSessionOrThrow,
  requirePlace,
  type SessionServices,
  throwNotFound,
  turnDraft,
  wakeWorker,
} from '../../session/service.ts';
import { isActive, type SessionOptions } from '../../session/session.ts';
import { findSession, type SessionKey, type SessionRow } from '../../session/store.ts';
import { repairTranscript } from '../../session/transcript/repair.ts';
import { findRunningTurn, type Prompt } from '../../session/turn/store.ts';
import { copyWorkspace } from '../copy.ts';
import type { WorkspaceServices } from '../service.ts';
import { copyHistory, holdSession, insertFork } from './store.ts';

export type ForkServices = SessionServices & {
  workspaces: Pick<WorkspaceServices, 'dataDir' | 'remover' | 'disk'>;
};

export type ForkRequest = {
  /** Up to which of the parent's events; null is its newest. */
  at: number | null;
  /** The fork's first own turn; null leaves it idle. */
  prompt: Prompt | null;
  /** Instead of the parent's; null keeps those. */
  title: string | null;
  metadata: Record<string, string> | null;
  maxBudgetUsd: number | null;
  /** Beside the parent's. */
  options: SessionOptions;
  /** The parent's or null: another place to work in has other files. */
  cwd: string | null;
  asker: Identity;
  once: IdempotentRequest | null;
};

export type Forked = {
  id: string;
  /** Files of the workspace that are closed to the server and were left out; directories with a slash at their end. */
  omitted: string[];
};

/**
 * Makes a session that begins with another one's history, up to one of its events. The other is left as it is, and may
 * run meanwhile. A workspace of its own is copied, as its files are now.
 *
 * @returns the new session
 */
export async function forkSession(
  services: ForkServices,
  key: SessionKey,
  request: ForkRequest,
): Promise<Once<Forked>> {
  const { db } = services;
  const earlier = await findEarlier(db, request.once);
  if (earlier !== null) return earlier;
  const parent = await getSessionOrThrow(db, key);
  requireForkable(parent, request);
  const forkId = newSessionId();
  await using stack = new AsyncDisposableStack();
  let omitted: string[] = [];
  if (parent.cwd === null) {
    // Too long for a transaction. Afterwards the files belong to the fork, if it came to be.
    stack.defer(async () => await removeUnlessStored(services, { ...key, id: forkId }));
    omitted = await copyFiles(services.workspaces, parent, forkId);
  }
  return await commitOnce(services, request.once, async (trx) => {
    // Held, it cannot be deleted: its history is copied, and the fork points at it.
    const held = (await holdSession(trx, key)) ?? throwNotFound(key.id);
    return await insertForkOf(services, trx, { parent: held, fork: { id: forkId, omitted }, request });
  });
}

/** The same request may have come before: then no files are to be copied. */
async function findEarlier(
  db: Kysely<Database>,
  once: IdempotentRequest | null,
): Promise<Once<Forked> | null> {
  if (once === null) return null;
  const replay = await inTransaction(db, async (trx) => await findReplay<Forked>(trx, once));
  return replay === null ? null : { ...replay, isReplay: true };
}

async function copyFiles(
  { dataDir, disk }: ForkServices['workspaces'],
  parent: SessionRow,
  forkId: string,
): Promise<string[]> {
  const { workspace } = sessionDirectories(dataDir, parent.id);
  const omitted = await copyWorkspace(
    workspace,
    sessionDirectories(dataDir, forkId).workspace,
    await disk.openNew(),
  );
  // A session that no worker ever had has no files yet.
  if (omitted !== null) return omitted;
  if (parent.fence === 0) return [];
  throw new AppError('workspace_elsewhere', "The session's workspace is not on this node.", {
    hint: 'fork it on the node that ran the session',
  });
}

async function removeUnlessStored({ db, workspaces }: ForkServices, key: SessionKey): Promise<void> {
  // Where the database does not answer, the commit may have been made.
  const isStored = await findSession(db, key).then(
    (found) => found !== undefined,
    () => true,
  );
  if (isStored) return;
  await workspaces.remover.takeSession(sessionDirectories(workspaces.dataDir, key.id).root);
}

async function insertForkOf(
  services: ForkServices,
  trx: Transaction<Database>,
  { parent, fork: forked, request }: { parent: SessionRow; fork: Forked; request: ForkRequest },
): Promise<Committed<Forked>> {
  const { tenant_id: tenantId } = parent;
  const { id: forkId } = forked;
  const { asker } = request;
  const options = requireForkable(parent, request);
  if (request.prompt !== null) {
    await requirePlace(services, trx, tenantId);
    await requireKeyLimits(trx, { asker, sessionId: null });
  }
  const copy = { parentId: parent.id, forkId, at: request.at ?? parent.last_seq };
  await insertFork(trx, copy, {
    id: forkId,
    tenantId,
    cwd: parent.cwd,
    apiKeyId: asker.apiKeyId,
    options,
    title: request.title ?? parent.title,
    metadata: request.metadata ?? parent.metadata,
    maxBudgetUsd: request.maxBudgetUsd ?? parent.max_budget_usd,
  });
  const isWhole = copy.at === parent.last_seq && !isActive(parent.status);
  await copyHistory(trx, copy, { isWhole });
  const fork = await getSessionOrThrow(trx, { tenantId, id: forkId });
  const cutOff = await findRunningTurn(trx, forkId);
  if (cutOff !== undefined) await repairTranscript(trx, fork, cutOff);
  const events = await settleFork(trx, fork, { session_id: parent.id, seq: copy.at });
  if (request.prompt === null) return { events, value: forked };
  events.push(...(await queueTurn(trx, fork, turnDraft(request.prompt, asker))));
  return { events, signals: [await wakeWorker(services, trx, fork)], value: forked };
}
