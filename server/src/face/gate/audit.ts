import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Kysely } from 'kysely';
import type { AuditDetails, AuditOutcome } from '../../access/audit/audit.ts';
import { type AuditRecord, recordAudit } from '../../access/audit/service.ts';
import type { Database } from '../../ground/db/database.ts';
import { createRedactor } from '../../ground/util/redact.ts';
import { type AuditedRoute, auditedRoutes, keptFields } from './audited-routes.ts';
import { FailureThrottle } from './throttle.ts';

const DENIALS = new Set([401, 403, 429]);
const MAX_VALUE_LENGTH = 500;
const redact = createRedactor();

/**
 * Writes to the audit log what a request changed, before it is answered: whatever a client was told to be done is there.
 * Not in the transaction of the change: a server killed between the two leaves a change that nobody was told of, and no
 * entry. What cannot be written goes to the server's own log.
 */
export function installAudit(app: FastifyInstance, { db }: { db: Kysely<Database> }): void {
  // Whoever is denied over and over must not fill the disk.
  const denials = new FailureThrottle();
  // A connection that has closed meanwhile no longer tells.
  const addresses = new WeakMap<FastifyRequest, string>();
  app.addHook('onRequest', async (request) => {
    addresses.set(request, request.ip);
  });
  app.addHook('onSend', async (request, reply, payload) => {
    const route = auditedRoutes[`${request.method} ${request.routeOptions.url}`];
    const outcome = outcomeOf(reply, route !== undefined);
    if (outcome === null) return payload;
    const ip = addresses.get(request) ?? request.ip ?? 'unknown';
    if (outcome === 'denied') {
      if (denials.isBlocked(ip)) return payload;
      denials.noteFailure(ip);
    }
    const entry = toRecord(request, { ip, route, outcome, status: reply.statusCode, payload });
    await recordAudit(db, entry).catch((error) => {
      request.log.error({ err: error, entry }, 'could not write to the audit log: this line has the entry');
    });
    return payload;
  });
}

/** Null for what is not recorded: reading, what the rules of the API refuse, and answers given before. */
function outcomeOf(reply: FastifyReply, isAudited: boolean): AuditOutcome | null {
  const { statusCode } = reply;
  if (DENIALS.has(statusCode)) return 'denied';
  if (!isAudited || reply.getHeader('idempotent-replayed') !== undefined) return null;
  // NOTE: 503 is "nothing of this request was kept", and that the database is away.
  if (statusCode >= 500) return statusCode === 503 ? null : 'failed';
  return statusCode < 400 ? 'done' : null;
}

type Happened = {
  ip: string;
  route: AuditedRoute | undefined;
  outcome: AuditOutcome;
  status: number;
  payload: unknown;
};

function toRecord(request: FastifyRequest, { ip, route, outcome, status, payload }: Happened): AuditRecord {
  const { identity } = request;
  const action = route?.action ?? 'request';
  return {
    tenant_id: identity.tenantId === '' ? null : identity.tenantId,
    actor_id: identity.apiKeyId,
    actor: identity.name,
    ip,
    request_id: request.id,
    action: typeof action === 'function' ? action(request) : action,
    object_type: route?.object ?? null,
    object_id: findObject(request, route, payload),
    outcome,
    status,
    details: detailsOf(request),
  };
}

function findObject(
  { params }: FastifyRequest,
  route: AuditedRoute | undefined,
  payload: unknown,
): string | null {
  const id = route?.id ?? null;
  if (id === null) return null;
  const from = 'parameter' in id ? params : typeof payload === 'string' ? JSON.parse(payload) : {};
  const value = (from as Record<string, unknown>)['parameter' in id ? id.parameter : id.answer];
  return typeof value === 'string' ? withoutNul(value) : null;
}

function detailsOf({ method, url, routeOptions, query, body }: FastifyRequest): AuditDetails {
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  const given = { ...(query as object), ...(isObject ? body : {}) } as Record<string, unknown>;
  const kept = Object.entries(given).filter(
    ([name, value]) => keptFields.has(name) && (JSON.stringify(value)?.length ?? 0) <= MAX_VALUE_LENGTH,
  );
  return {
    method,
    route: routeOptions.url ?? null,
    path: redact(url.split('?')[0] ?? '').slice(0, MAX_VALUE_LENGTH),
    fields: isObject ? Object.keys(body).slice(0, 100).map(withoutNul) : [],
    values: Object.fromEntries(kept),
  };
}

/** PostgreSQL's text cannot hold one, or half a surrogate pair; and nobody needs the rest. */
function withoutNul(text: string): string {
  return text.replaceAll('\0', '').slice(0, MAX_VALUE_LENGTH).toWellFormed();
}
