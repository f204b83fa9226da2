import { z } from 'zod';
import { type KeyLimits, type Scope, scopes } from '../../ground/identity.ts';
import type { ApiKeyRow } from './service.ts';

export const tenantName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be lower-case letters, digits, ".", "_" and "-", at most 63');
export const keyName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .refine((name) => !name.includes('\0'), 'must not contain a NUL character');
export const keyScopes = z.array(z.enum(scopes)).min(1).max(scopes.length);

export const limitFields = {
  requests_per_second: z.number().positive().max(100_000),
  max_active_sessions: z.int().min(1).max(1_000_000),
  max_queued_turns: z.int().min(1).max(1_000_000),
};
const limitRequest = {
  requests_per_second: limitFields.requests_per_second
    .nullish()
    .describe('On each node; as many at once. null is no limit, as for those below.'),
  max_active_sessions: limitFields.max_active_sessions
    .nullish()
    .describe('Sessions in which a turn of the key waits or runs.'),
  max_queued_turns: limitFields.max_queued_turns.nullish().describe('Turns of the key that wait.'),
};

const instant = z.iso.datetime({ offset: true });

/** `POST /api-keys` */
export const createKeyRequest = z
  .strictObject({
    name: keyName,
    scopes: keyScopes,
    tenant: tenantName.optional().describe('Another one than the own: for operators.'),
    expires_at: instant.nullish(),
    ...limitRequest,
  })
  .meta({
    id: 'CreateKeyRequest',
    examples: [{ name: 'nightly job', scopes: ['sessions:read', 'sessions:write'] }],
  });

/** `PATCH /api-keys/{api_key_id}`: a field that is left out stays. */
export const changeKeyRequest = z
  .strictObject({ name: keyName.optional(), expires_at: instant.nullish(), ...limitRequest })
  .meta({ id: 'ChangeKeyRequest', examples: [{ requests_per_second: 10 }] });

const DAY_SECONDS = 86_400;

/** `POST /api-keys/{api_key_id}/rotate` */
export const rotateKeyRequest = z
  .strictObject({
    keep_previous_s: z
      .int()
      .min(0)
      .max(90 * DAY_SECONDS)
      .default(DAY_SECONDS)
      .describe('For how long the secret before it still opens: a day unless given.'),
  })
  .meta({ id: 'RotateKeyRequest', examples: [{ keep_previous_s: 3600 }] });

export const apiKeyView = z
  .object({
    api_key_id: z.string(),
    tenant: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(scopes)),
    requests_per_second: limitFields.requests_per_second.nullable(),
    max_active_sessions: limitFields.max_active_sessions.nullable(),
    max_queued_turns: limitFields.max_queued_turns.nullable(),
    created_at: z.string(),
    created_by: z.string(),
    expires_at: z.string().nullable(),
    previous_expires_at: z
      .string()
      .nullable()
      .describe('Until when the secret before the last rotation opens.'),
    revoked_at: z.string().nullable(),
    last_used_at: z.string().nullable().describe('Up to 10 s old.'),
  })
  .meta({ id: 'ApiKey' });
export type ApiKeyView = z.infer<typeof apiKeyView>;

export const createdKeyView = apiKeyView
  .extend({ key: z.string().describe('The secret. It is shown this once, and stored nowhere.') })
  .meta({ id: 'CreatedApiKey' });

export function toKeyView(row: ApiKeyRow): ApiKeyView {
  return {
    api_key_id: row.id,
    tenant: row.tenant_id,
    name: row.name,
    scopes: row.scopes as Scope[],
    requests_per_second: row.requests_per_second,
    max_active_sessions: row.max_active_sessions,
    max_queued_turns: row.max_queued_turns,
    created_at: row.created_at.toISOString(),
    created_by: row.created_by,
    expires_at: row.expires_at?.toISOString() ?? null,
    previous_expires_at: row.previous_expires_at?.toISOString() ?? null,
    revoked_at: row.revoked_at?.toISOString() ?? null,
    last_used_at: row.last_used_at?.toISOString() ?? null,
  };
}

export function toDate(instant: string | null): Date | null {
  return instant === null ? null : new Date(instant);
}

type LimitRequest = { [Field in keyof typeof limitRequest]?: number | null | undefined };

/** Those that the request names. */
export function toLimits(request: LimitRequest): Partial<KeyLimits> {
  const { requests_per_second, max_active_sessions, max_queued_turns } = request;
  return {
    ...(requests_per_second === undefined ? {} : { requestsPerSecond: requests_per_second }),
    ...(max_active_sessions === undefined ? {} : { maxActiveSessions: max_active_sessions }),
    ...(max_queued_turns === undefined ? {} : { maxQueuedTurns: max_queued_turns }),
  };
}
