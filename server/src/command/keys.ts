import type { z } from 'zod';
import { keyName, keyScopes, limitFields, tenantName } from '../access/api-key/api-key.ts';
import { Pepper } from '../access/api-key/pepper.ts';
import {
  type ApiKeyRow,
  type ApiKeyServices,
  type CreatedKey,
  createKey,
  listKeyPage,
  revokeKey,
  rotateKey,
} from '../access/api-key/service.ts';
import { recordCommand } from '../access/audit/service.ts';
import type { Config } from '../ground/config/config.ts';
import { duration } from '../ground/config/times.ts';
import { Notifications } from '../ground/db/notifications.ts';
import { AppError, StartupError } from '../ground/errors.ts';
import { DEFAULT_TENANT, type KeyLimits, scopes } from '../ground/identity.ts';
import type { Logger } from '../ground/log.ts';
import { EventBus } from '../session/event/bus.ts';
import { openOperatorDatabase } from './operator-database.ts';

/** What the flags of `greenroom keys …` say, not yet checked. */
export type KeysFlags = Partial<
  Record<'name' | 'tenant' | 'scopes' | 'expires' | 'keep' | keyof KeyLimits, string>
>;

/** What goes to standard output, and what to say beside it. */
export type KeysOutput = { output: string; note?: string };

/** Who it is that makes keys here, for the keys and for the audit log. */
const COMMAND = 'greenroom keys';

export type KeysCommand = (keys: ApiKeyServices) => Promise<KeysOutput>;

/** Runs a command on the keys in the server's database, whether or not the server runs. */
export async function runKeysCommand(
  { config, logger }: { config: Config; logger: Logger },
  command: KeysCommand,
): Promise<KeysOutput> {
  await using database = await openOperatorDatabase(config, logger);
  const { db, pool, target, dataDirectory } = database;
  // Only published on: this is how running servers hear of it.
  await using notifications = new Notifications({ target, pool, logger });
  const pepper = new Pepper({ configured: config.keyPepper, directory: dataDirectory });
  try {
    return await command({ db, bus: new EventBus(notifications), pepper });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new StartupError(error.message, error.hint === undefined ? {} : { hint: error.hint });
  }
}

export function createCommand(flags: KeysFlags): KeysCommand {
  const names = (flags.scopes ?? 'sessions:read,sessions:write,approvals').split(',');
  const request = {
    tenantId: parseFlag('tenant', tenantName, flags.tenant ?? DEFAULT_TENANT),
    name: parseFlag('name', keyName, flags.name),
    scopes: parseFlag(
      'scopes',
      keyScopes,
      names.map((name) => name.trim()),
    ),
    expiresAt: flags.expires === undefined ? null : inTime(parseFlag('expires', duration, flags.expires)),
    limits: {
      requestsPerSecond: parseLimit(
        'requests-per-second',
        limitFields.requests_per_second,
        flags.requestsPerSecond,
      ),
      maxActiveSessions: parseLimit(
        'max-active-sessions',
        limitFields.max_active_sessions,
        flags.maxActiveSessions,
      ),
      maxQueuedTurns: parseLimit('max-queued-turns', limitFields.max_queued_turns, flags.maxQueuedTurns),
    },
    createdBy: COMMAND,
  };
  return async (keys) => {
    const created = await createKey(keys, request);
    await recordCommand(keys.db, { action: 'api_key.create', actor: COMMAND, key: created.key });
    return renderSecret(created);
  };
}

export function listCommand(flags: KeysFlags): KeysCommand {
  const tenantId = parseFlag('tenant', tenantName, flags.tenant ?? DEFAULT_TENANT);
  return async (services) => {
    const { keys } = await listKeyPage(services, { tenantId, limit: 1000, before: null });
    const lines = keys.map((key) => `${key.id}  ${key.name}  ${key.scopes.join(',')}  ${describe(key)}\n`);
    return { output: lines.join(''), note: `${keys.length} keys of the tenant ${tenantId}` };
  };
}

export function rotateCommand(id: string, flags: KeysFlags): KeysCommand {
  const keepMs = parseFlag('keep', duration, flags.keep ?? '24h');
  return async (keys) => {
    const rotated = await rotateKey(keys, { tenantId: null, id }, { keepMs });
    await recordCommand(keys.db, { action: 'api_key.rotate', actor: COMMAND, key: rotated.key });
    return renderSecret(rotated);
  };
}

export function revokeCommand(id: string): KeysCommand {
  return async (keys) => {
    const key = await revokeKey(keys, { tenantId: null, id });
    await recordCommand(keys.db, { action: 'api_key.revoke', actor: COMMAND, key });
    return { output: '', note: `${id} (${key.name}) is revoked: within 5 s it opens nothing on any server` };
  };
}

/** The key alone on standard output, so that a script can take it. */
function renderSecret({ key, secret }: CreatedKey): KeysOutput {
  const what = `${key.id} (${key.name}) of the tenant ${key.tenant_id}: ${key.scopes.join(', ')}`;
  return { output: `${secret}\n`, note: `${what}. The key is shown this once.` };
}

function describe({ revoked_at, expires_at }: ApiKeyRow): string {
  if (revoked_at !== null) return 'revoked';
  if (expires_at === null) return 'valid';
  return expires_at > new Date() ? `valid until ${expires_at.toISOString()}` : 'expired';
}

function inTime(ms: number): Date {
  return new Date(Date.now() + ms);
}

function parseLimit(flag: string, schema: z.ZodType<number>, value: string | undefined): number | null {
  return value === undefined ? null : parseFlag(flag, schema, Number(value));
}

function parseFlag<T>(flag: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.map((issue) => issue.message).join('; ');
  throw new StartupError(`--${flag} is not valid: ${problem}`, {
    ...(flag === 'scopes' ? { hint: `scopes, separated by ",": ${scopes.join(', ')}` } : {}),
  });
}
