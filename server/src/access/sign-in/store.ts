import { type Kysely, type Selectable, sql } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { ApiKeyRow } from '../api-key/store.ts';
import type { SignInTable } from './table.ts';

/** A sign-in with the key that it stands for. */
export type SignInRow = ApiKeyRow & {
  sign_in_hash: Buffer;
  sign_in_expires_at: Date;
} & Pick<Selectable<SignInTable>, 'key_hash' | 'owns_key'>;

export type NewSignIn = {
  hash: Buffer;
  tenantId: string;
  apiKeyId: string;
  keyHash: Buffer;
  ownsKey: boolean;
  seconds: number;
};

/** By the clock of the database, which all nodes share. Those that have expired go, and the oldest of very many. */
export async function insertSignIn(db: Kysely<Database>, signIn: NewSignIn): Promise<void> {
  const { hash, tenantId, apiKeyId, keyHash, ownsKey, seconds } = signIn;
  await sql`
    with pruned as (
      delete from sign_ins where expires_at < now() or hash in (
        select hash from sign_ins where api_key_id = ${apiKeyId} order by created_at desc offset ${MAX_OF_KEY - 1}
      )
    )
    insert into sign_ins (hash, tenant_id, api_key_id, key_hash, owns_key, expires_at)
    values (${hash}, ${tenantId}, ${apiKeyId}, ${keyHash}, ${ownsKey}, now() + make_interval(secs => ${seconds}))
  `.execute(db);
}

/** A program that signs in over and over fills no table. */
const MAX_OF_KEY = 100;

export async function findSignIns(db: Kysely<Database>, hashes: readonly Buffer[]): Promise<SignInRow[]> {
  if (hashes.length === 0) return [];
  return await db
    .selectFrom('sign_ins')
    .innerJoin('api_keys', 'api_keys.id', 'sign_ins.api_key_id')
    .selectAll('api_keys')
    .select(['sign_ins.hash as sign_in_hash', 'sign_ins.expires_at as sign_in_expires_at'])
    .select(['sign_ins.key_hash', 'sign_ins.owns_key'])
    .where('sign_ins.hash', 'in', hashes)
    .execute();
}

/** @returns until when it holds now; undefined when it was ended meanwhile */
export async function renewSignIn(
  db: Kysely<Database>,
  { hash, seconds }: { hash: Buffer; seconds: number },
): Promise<Date | undefined> {
  const { rows } = await sql<{ expires_at: Date }>`
    update sign_ins set expires_at = now() + make_interval(secs => ${seconds})
    where hash = ${hash} and expires_at > now() returning expires_at
  `.execute(db);
  return rows[0]?.expires_at;
}

export async function deleteSignIns(
  db: Kysely<Database>,
  which: { hash: Buffer } | { apiKeyId: string },
): Promise<void> {
  const query = db.deleteFrom('sign_ins');
  await ('hash' in which
    ? query.where('hash', '=', which.hash)
    : query.where('api_key_id', '=', which.apiKeyId)
  ).execute();
}

export type NewCode = { hash: Buffer; tenantId: string; apiKeyId: string | null; seconds: number };

export async function insertCode(db: Kysely<Database>, code: NewCode): Promise<void> {
  await sql`
    insert into sign_in_codes (hash, tenant_id, api_key_id, expires_at)
    values (${code.hash}, ${code.tenantId}, ${code.apiKeyId}, now() + make_interval(secs => ${code.seconds}))
  `.execute(db);
}

/** Takes the code out of the world, and those that have expired with it: whoever asks next finds none. */
export async function takeCode(
  db: Kysely<Database>,
  hash: Buffer,
): Promise<{ apiKeyId: string | null } | undefined> {
  const { rows } = await sql<{ apiKeyId: string | null; isValid: boolean }>`
    with taken as (
      delete from sign_in_codes where hash = ${hash} or expires_at < now() - interval '1 minute'
      returning hash, api_key_id, expires_at
    )
    select api_key_id as "apiKeyId", expires_at > now() as "isValid" from taken where hash = ${hash}
  `.execute(db);
  const [code] = rows;
  return code?.isValid ? { apiKeyId: code.apiKeyId } : undefined;
}

/** Tells installations apart that share a host: a copy of a database is another one, as far as its name is. */
export async function findInstallation(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<{ name: string }>`
    select id || ' ' || current_database() as name from installation
  `.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the installation has no id');
  return row.name;
}
