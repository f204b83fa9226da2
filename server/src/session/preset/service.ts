import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { isUniqueViolation } from '../../ground/db/sqlstate.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import { AppError } from '../../ground/errors.ts';
import type { Asked, Identity } from '../../ground/identity.ts';
import { isUuid, newPresetId } from '../../ground/ids.ts';
import { withoutSecrets, withSecrets } from '../options/secrets.ts';
import type { SessionOptions } from '../session.ts';
import { MAX_PRESETS, type PresetChange, type PresetOptions, type PresetView } from './preset.ts';
import {
  deletePreset,
  findPreset,
  insertPreset,
  listPresets,
  lockCount,
  lockPreset,
  type PresetKey,
  type PresetRow,
  updatePreset,
} from './store.ts';

/** The key of the preset that a request names in its path; what is no UUID names none. */
export function presetKey({ identity, params }: Asked<{ preset_id: string }>): PresetKey {
  const { preset_id: id } = params;
  if (!isUuid(id)) throw notFound(id);
  return { tenantId: identity.tenantId, id: id.toLowerCase() };
}

/** By name. */
export async function readPresets(db: Kysely<Database>, tenantId: string): Promise<PresetView[]> {
  return (await listPresets(db, tenantId)).map(toView);
}

export async function getPreset(db: Kysely<Database>, key: PresetKey): Promise<PresetView> {
  return toView((await findPreset(db, key)) ?? throwNotFound(key.id));
}

/** Their values stand in the preset in full: whatever is shown as a mask there is none of these. */
export async function createPreset(
  db: Kysely<Database>,
  { tenantId, name: createdBy }: Identity,
  preset: { name: string; description: string | null; options: PresetOptions },
): Promise<PresetView> {
  const options = fill(preset.options, {});
  return await withUniqueName(preset.name, async () => {
    const row = await inTransaction(db, async (trx) => {
      if ((await lockCount(trx, tenantId)) >= MAX_PRESETS) throw tooMany();
      return await insertPreset(trx, { ...preset, options, id: newPresetId(), tenantId, createdBy });
    });
    return toView(row);
  });
}

export async function changePreset(
  db: Kysely<Database>,
  key: PresetKey,
  change: PresetChange,
): Promise<PresetView> {
  return await withUniqueName(change.name ?? '', async () => {
    const row = await inTransaction(db, async (trx) => {
      const before = (await lockPreset(trx, key)) ?? throwNotFound(key.id);
      return await updatePreset(trx, {
        ...key,
        name: change.name ?? before.name,
        description: change.description === undefined ? before.description : change.description,
        options: change.options === undefined ? before.options : fill(change.options, before.options),
      });
    });
    return toView(row);
  });
}

export async function removePreset(db: Kysely<Database>, key: PresetKey): Promise<PresetView> {
  return toView((await deletePreset(db, key)) ?? throwNotFound(key.id));
}

/**
 * The options of a request for a new session, with the values that it saw masked in a preset as they are there. Nothing
 * else of the preset goes into them.
 */
export async function withPreset(
  db: Kysely<Database>,
  options: SessionOptions,
  key: { tenantId: string; id: string | null },
): Promise<SessionOptions> {
  if (key.id === null) return options;
  const preset = isUuid(key.id)
    ? await findPreset(db, { tenantId: key.tenantId, id: key.id.toLowerCase() })
    : undefined;
  if (preset !== undefined) return withSecrets(options, toOptions(preset.options));
  const message = 'there is no such preset';
  throw new AppError('invalid_request', `preset_id: ${message}`, {
    hint: 'GET /presets lists them',
    errors: [{ field: 'preset_id', message }],
  });
}

function fill(given: PresetOptions, stored: PresetOptions): PresetOptions {
  try {
    return { ...given, ...withSecrets(toOptions(given), toOptions(stored)) };
  } catch (error) {
    throw below('options', error);
  }
}

/** Fields of the session's options, named as they stand in this request. */
function below(parent: string, error: unknown): unknown {
  if (!(error instanceof AppError) || error.errors === undefined) return error;
  const errors = error.errors.map(({ field, message }) => ({ field: `${parent}.${field}`, message }));
  const { hint } = error;
  return new AppError(error.code, `${parent}.${error.message}`, {
    cause: error,
    errors,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** What of a preset is an option may have a secret in it. */
function toOptions({ env, mcp_servers }: PresetOptions): SessionOptions {
  return {
    ...(env == null ? {} : { env }),
    ...(mcp_servers == null ? {} : { mcp_servers }),
  };
}

function toView({ tenant_id: _, id, created_at, updated_at, ...row }: PresetRow): PresetView {
  return {
    preset_id: id,
    ...row,
    options: { ...row.options, ...withoutSecrets(toOptions(row.options)) },
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
}

async function withUniqueName<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    throw new AppError('name_taken', `There is a preset named "${name}" already.`, {
      cause: error,
      hint: 'choose another name, or change that one: GET /presets has its id',
    });
  }
}

function tooMany(): AppError {
  return new AppError('invalid_request', `There are ${MAX_PRESETS} presets already, and no more are kept.`, {
    hint: 'delete one that is not used any more: DELETE /presets/{preset_id}',
  });
}

function notFound(id: string): AppError {
  return new AppError('not_found', `Preset ${id} not found`);
}

function throwNotFound(id: string): never {
  throw notFound(id);
}
