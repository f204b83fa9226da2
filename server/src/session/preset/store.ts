import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { PresetOptions } from './preset.ts';
import type { PresetTable } from './table.ts';

type Trx = Transaction<Database>;

export type PresetRow = Selectable<PresetTable>;
export type PresetKey = { tenantId: string; id: string };

export async function listPresets(db: Kysely<Database>, tenantId: string): Promise<PresetRow[]> {
  return await db
    .selectFrom('presets')
    .selectAll()
    .where('tenant_id', '=', tenantId)
    .orderBy('name')
    .execute();
}

export async function findPreset(db: Kysely<Database>, key: PresetKey): Promise<PresetRow | undefined> {
  return await presetQuery(db, key).executeTakeFirst();
}

export async function lockPreset(trx: Trx, key: PresetKey): Promise<PresetRow | undefined> {
  return await presetQuery(trx, key).forUpdate().executeTakeFirst();
}

function presetQuery(db: Kysely<Database>, key: PresetKey) {
  return db.selectFrom('presets').selectAll().where('id', '=', key.id).where('tenant_id', '=', key.tenantId);
}

/** Of the tenant; nobody adds another one until the transaction ends. */
export async function lockCount(trx: Trx, tenantId: string): Promise<number> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`presets of ${tenantId}`}, 0))`.execute(trx);
  const { count } = await trx
    .selectFrom('presets')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('tenant_id', '=', tenantId)
    .executeTakeFirstOrThrow();
  return count;
}

export type NewPreset = PresetKey & {
  name: string;
  description: string | null;
  options: PresetOptions;
  createdBy: string;
};

export async function insertPreset(trx: Trx, preset: NewPreset): Promise<PresetRow> {
  return await trx
    .insertInto('presets')
    .values({
      id: preset.id,
      tenant_id: preset.tenantId,
      name: preset.name,
      description: preset.description,
      options: JSON.stringify(preset.options),
      created_by: preset.createdBy,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

export async function updatePreset(
  trx: Trx,
  { tenantId, id, ...preset }: Omit<NewPreset, 'createdBy'>,
): Promise<PresetRow> {
  return await trx
    .updateTable('presets')
    .set({ ...preset, options: JSON.stringify(preset.options), updated_at: new Date() })
    .where('id', '=', id)
    .where('tenant_id', '=', tenantId)
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** @returns what it was */
export async function deletePreset(db: Kysely<Database>, key: PresetKey): Promise<PresetRow | undefined> {
  return await db
    .deleteFrom('presets')
    .where('id', '=', key.id)
    .where('tenant_id', '=', key.tenantId)
    .returningAll()
    .executeTakeFirst();
}
