import { type Expression, type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { ApiKeyTable } from './table.ts';

export type ApiKeyRow = Selectable<ApiKeyTable>;

/** Null as the tenant: of any, for operators. */
export type ApiKeyKey = { tenantId: string | null; id: string };

export type NewApiKey = Pick<
  ApiKeyRow,
  | 'id'
  | 'tenant_id'
  | 'name'
  | 'scopes'
  | 'hash'
  | 'created_by'
  | 'expires_at'
  | 'requests_per_second'
  | 'max_active_sessions'
  | 'max_queued_turns'
>;

export async function insertApiKey(trx: Transaction<Database>, key: NewApiKey): Promise<ApiKeyRow> {
  return await trx.insertInto('api_keys').values(key).returningAll().executeTakeFirstOrThrow();
}

export async function findApiKey(
  db: Kysely<Database>,
  { tenantId, id }: ApiKeyKey,
): Promise<ApiKeyRow | undefined> {
  let query = db.selectFrom('api_keys').selectAll().where('id', '=', id);
  if (tenantId !== null) query = query.where('tenant_id', '=', tenantId);
  return await query.executeTakeFirst();
}

export async function findApiKeys(db: Kysely<Database>, ids: readonly string[]): Promise<ApiKeyRow[]> {
  if (ids.length === 0) return [];
  return await db.selectFrom('api_keys').selectAll().where('id', 'in', ids).execute();
}

export type ApiKeyPage = { tenantId: string; limit: number; before: string | null };

/** Newest first: ids begin with the time. */
export async function listApiKeys(db: Kysely<Database>, page: ApiKeyPage): Promise<ApiKeyRow[]> {
  let query = db.selectFrom('api_keys').selectAll().where('tenant_id', '=', page.tenantId);
  if (page.before !== null) query = query.where('id', '<', page.before);
  return await query.orderBy('id', 'desc').limit(page.limit).execute();
}

/** As a statement may set it: values, or what is made of the row. */
export type ApiKeyChange = Partial<{
  [Column in ChangeableColumn]: ApiKeyRow[Column] | Expression<ApiKeyRow[Column]>;
}>;
type ChangeableColumn = Exclude<keyof ApiKeyRow, 'id' | 'created_at' | 'created_by'>;

export async function updateApiKey(
  db: Kysely<Database>,
  { tenantId, id }: ApiKeyKey,
  change: ApiKeyChange,
): Promise<ApiKeyRow | undefined> {
  let query = db.updateTable('api_keys').set(change).where('id', '=', id);
  if (tenantId !== null) query = query.where('tenant_id', '=', tenantId);
  return await query.returningAll().executeTakeFirst();
}

/** Revoked ones count: a server that had keys does not open again by itself. */
export async function hasApiKeys(db: Kysely<Database>): Promise<boolean> {
  return (await db.selectFrom('api_keys').select('id').limit(1).executeTakeFirst()) !== undefined;
}

/** Lets nobody else make a key until the transaction ends. */
export async function lockApiKeys(trx: Transaction<Database>): Promise<void> {
  await sql`lock table api_keys in share row exclusive mode`.execute(trx);
}

export async function findFingerprint(db: Kysely<Database>): Promise<Buffer | undefined> {
  const row = await db.selectFrom('key_pepper').select('fingerprint').executeTakeFirst();
  return row?.fingerprint;
}

export async function storeFingerprint(trx: Transaction<Database>, fingerprint: Buffer): Promise<void> {
  await trx
    .insertInto('key_pepper')
    .values({ fingerprint })
    .onConflict((conflict) => conflict.column('is_only').doUpdateSet({ fingerprint }))
    .execute();
}

/** When keys were used last; a later time that another node wrote stays. */
export async function updateLastUse(db: Kysely<Database>, uses: ReadonlyMap<string, Date>): Promise<void> {
  await sql`
    update api_keys set last_used_at = used.at
    from unnest(${[...uses.keys()]}::text[], ${[...uses.values()]}::timestamptz[]) as used (id, at)
    where api_keys.id = used.id and (last_used_at is null or last_used_at < used.at)
  `.execute(db);
}
