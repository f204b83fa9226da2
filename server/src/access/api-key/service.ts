import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import { AppError, StartupError } from '../../ground/errors.ts';
import {
  DEFAULT_TENANT,
  type Identity,
  type KeyLimits,
  mayUse,
  NO_LIMITS,
  type Scope,
} from '../../ground/identity.ts';
import { toPage } from '../../ground/util/page.ts';
import type { EventBus } from '../../session/event/bus.ts';
import { fingerprintOf, type Pepper } from './pepper.ts';
import { hashSecret, newKeyId, newSecret } from './secret.ts';
import {
  type ApiKeyKey,
  type ApiKeyPage,
  type ApiKeyRow,
  findApiKey,
  findFingerprint,
  hasApiKeys,
  insertApiKey,
  listApiKeys,
  lockApiKeys,
  storeFingerprint,
  updateApiKey,
} from './store.ts';

export type { ApiKeyKey, ApiKeyRow };

/** `db` is that of all tenants. */
export type ApiKeyServices = { db: Kysely<Database>; bus: Pick<EventBus, 'publish'>; pepper: Pepper };

/** A key with its secret, which is known only now. */
export type CreatedKey = { key: ApiKeyRow; secret: string };

export type KeyRequest = {
  tenantId: string;
  name: string;
  scopes: readonly Scope[];
  expiresAt: Date | null;
  limits: KeyLimits;
  /** For people: the name of whoever makes it. */
  createdBy: string;
};

export async function createKey(services: ApiKeyServices, request: KeyRequest): Promise<CreatedKey> {
  requireFuture(request.expiresAt);
  const created = await inTransaction(services.db, async (trx) => {
    await lockApiKeys(trx);
    return await insertKey(services, trx, request);
  });
  services.bus.publish([{ type: 'api_key', apiKeyId: created.key.id }]);
  return created;
}

/** For a server that others can reach: the operator's key, if there is no key at all. */
export async function createFirstKey(services: ApiKeyServices): Promise<CreatedKey | null> {
  return await inTransaction(services.db, async (trx) => {
    await lockApiKeys(trx);
    if (await hasApiKeys(trx)) return null;
    return await insertKey(services, trx, {
      tenantId: DEFAULT_TENANT,
      name: 'first key',
      scopes: ['operator'],
      expiresAt: null,
      limits: NO_LIMITS,
      createdBy: 'first start',
    });
  });
}

async function insertKey(
  { pepper }: ApiKeyServices,
  trx: Transaction<Database>,
  request: KeyRequest,
): Promise<CreatedKey> {
  const isFirst = !(await hasApiKeys(trx));
  if (!isFirst) await requireSamePepper(trx, pepper);
  const value = pepper.findOrMake();
  if (isFirst) await storeFingerprint(trx, fingerprintOf(value));
  const id = newKeyId();
  const secret = newSecret(id);
  const key = await insertApiKey(trx, {
    id,
    tenant_id: request.tenantId,
    name: request.name,
    scopes: [...request.scopes],
    hash: hashSecret(secret, value),
    created_by: request.createdBy,
    expires_at: request.expiresAt,
    requests_per_second: request.limits.requestsPerSecond,
    max_active_sessions: request.limits.maxActiveSessions,
    max_queued_turns: request.limits.maxQueuedTurns,
  });
  return { key, secret };
}

/** Keys that were made with another pepper open nothing here: better not to start than to refuse them all. */
export async function requireSamePepper(db: Kysely<Database>, pepper: Pepper): Promise<void> {
  const stored = await findFingerprint(db);
  const own = pepper.find();
  if (stored === undefined || (own !== null && fingerprintOf(own).equals(stored))) return;
  const what = own === null ? `${pepper.source} is not there` : `${pepper.source} is another one`;
  throw new StartupError(
    `the API keys in the database were made with a pepper that this server lacks: ${what}`,
    {
      hint: 'give every server the same GREENROOM_KEY_PEPPER: what the file key-pepper in the data directory of the first one holds; if it is lost, delete the rows of greenroom.api_keys and make new keys',
    },
  );
}

/** Newest first. `next` is the cursor of the page after this one, null on the last. */
export async function listKeyPage(
  { db }: ApiKeyServices,
  page: ApiKeyPage,
): Promise<{ keys: ApiKeyRow[]; next: string | null }> {
  const { limit } = page;
  const rows = await listApiKeys(db, { ...page, limit: limit + 1 });
  const { items: keys, next } = toPage(rows, { limit, show: (row) => row, cursorOf: ({ id }) => id });
  return { keys, next };
}

/** Of whichever tenant. */
export async function findKey({ db }: ApiKeyServices, id: string): Promise<ApiKeyRow | undefined> {
  return await findApiKey(db, { tenantId: null, id });
}

export async function getKey({ db }: ApiKeyServices, key: ApiKeyKey): Promise<ApiKeyRow> {
  return (await findApiKey(db, key)) ?? throwNoKey(key.id);
}

export type KeyChange = { name?: string; expiresAt?: Date | null; limits: Partial<KeyLimits> };

export async function changeKey(
  services: ApiKeyServices,
  key: ApiKeyKey,
  { name, expiresAt, limits }: KeyChange,
): Promise<ApiKeyRow> {
  const change = {
    ...(name === undefined ? {} : { name }),
    ...(expiresAt === undefined ? {} : { expires_at: expiresAt }),
    ...limitColumns(limits),
  };
  if (Object.keys(change).length === 0) return await getKey(services, key);
  return await update(services, key, change);
}

/** Gives the key a new secret. The one before it opens for `keepMs` more, so that its holders can change over. */
export async function rotateKey(
  services: ApiKeyServices,
  key: ApiKeyKey,
  { keepMs }: { keepMs: number },
): Promise<CreatedKey> {
  const present = await getKey(services, key);
  if (present.revoked_at !== null) {
    throw new AppError('key_revoked', `API key ${key.id} was revoked.`, { hint: 'make a new key' });
  }
  await requireSamePepper(services.db, services.pepper);
  const secret = newSecret(present.id);
  const rotated = await update(services, key, {
    hash: hashSecret(secret, services.pepper.findOrMake()),
    // As it is by then: two rotations at once leave both new secrets open.
    previous_hash: sql<Buffer>`hash`,
    previous_expires_at: new Date(Date.now() + keepMs),
  });
  return { key: rotated, secret };
}

/** For good, and on every node within seconds. */
export async function revokeKey(services: ApiKeyServices, key: ApiKeyKey): Promise<ApiKeyRow> {
  const present = await getKey(services, key);
  return present.revoked_at === null ? await update(services, key, { revoked_at: new Date() }) : present;
}

async function update(
  { db, bus }: ApiKeyServices,
  key: ApiKeyKey,
  change: Parameters<typeof updateApiKey>[2],
): Promise<ApiKeyRow> {
  const row = (await updateApiKey(db, key, change)) ?? throwNoKey(key.id);
  bus.publish([{ type: 'api_key', apiKeyId: row.id }]);
  return row;
}

/** The tenant whose keys somebody means: an operator may name any, others have their own. */
export function tenantOfKeys(identity: Identity, named: string | undefined): string {
  if (named === undefined || named === identity.tenantId) return identity.tenantId;
  if (mayUse(identity, 'operator')) return named;
  throw new AppError('forbidden', 'Only an operator has to do with the keys of other tenants.', {
    hint: 'leave `tenant` out, or use a key with the scope operator',
  });
}

/** Nobody gives away what they may not do themselves. */
export function requireOwnScopes(identity: Identity, scopes: readonly Scope[]): void {
  const excess = scopesBeyond(identity, scopes);
  if (excess.length === 0) return;
  throw new AppError('forbidden', `A key may give no scope that it lacks: ${excess.join(', ')}.`, {
    hint: 'use a key that has them, or `greenroom keys create`',
  });
}

function scopesBeyond(identity: Identity, scopes: readonly Scope[]): Scope[] {
  return scopes.filter((scope) => !mayUse(identity, scope));
}

/** The key that a request names in its path, to look at it; an operator's may be of any tenant. */
export function keyOf(identity: Identity, id: string): ApiKeyKey {
  return { tenantId: mayUse(identity, 'operator') ? null : identity.tenantId, id };
}

/**
 * The key that a request names in its path, to change it or what it may spend. Whoever holds its new secret has its
 * rights, and whoever ends it takes them away: so nobody manages a key that may do more than their own. The scopes of a
 * key never change.
 */
export async function keyToManage(
  services: ApiKeyServices,
  identity: Identity,
  id: string,
): Promise<{ tenantId: string; id: string }> {
  const key = await getKey(services, keyOf(identity, id));
  const excess = scopesBeyond(identity, key.scopes as Scope[]);
  if (excess.length === 0) return { tenantId: key.tenant_id, id: key.id };
  const message = `API key ${id} has a scope that yours lacks: ${excess.join(', ')}.`;
  throw new AppError('forbidden', message, {
    hint: 'use a key that has it, or `greenroom keys` on the machine of the server',
  });
}

function limitColumns(limits: Partial<KeyLimits>) {
  const { requestsPerSecond, maxActiveSessions, maxQueuedTurns } = limits;
  return {
    ...(requestsPerSecond === undefined ? {} : { requests_per_second: requestsPerSecond }),
    ...(maxActiveSessions === undefined ? {} : { max_active_sessions: maxActiveSessions }),
    ...(maxQueuedTurns === undefined ? {} : { max_queued_turns: maxQueuedTurns }),
  };
}

function requireFuture(at: Date | null): void {
  if (at === null || at > new Date()) return;
  const message = 'lies in the past';
  throw new AppError('invalid_request', `expires_at: ${message}`, {
    errors: [{ field: 'expires_at', message }],
  });
}

function throwNoKey(id: string): never {
  throw new AppError('not_found', `API key ${id} not found`);
}
