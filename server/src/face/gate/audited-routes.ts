import type { FastifyRequest } from 'fastify';
import type { AuditAction } from '../../access/audit/audit.ts';

/** What a route does, for the audit log, and what it does it to. */
export type AuditedRoute = {
  action: AuditAction | ((request: FastifyRequest) => AuditAction);
  object: 'session' | 'approval' | 'preset' | 'api_key' | 'budget' | null;
  /** The path parameter that names the object; or the field of the answer, where the route makes the object. */
  id: { parameter: string } | { answer: string } | null;
};

/** What a reader notes for themselves; it is as little recorded as that they read. */
export const unauditedRoutes: ReadonlySet<string> = new Set([
  'PATCH /sessions/:session_id/marks',
  'POST /sessions/read-all',
]);

const ofSession = (action: AuditAction): AuditedRoute => ({
  action,
  object: 'session',
  id: { parameter: 'session_id' },
});
const ofKey = (action: AuditAction): AuditedRoute => ({
  action,
  object: 'api_key',
  id: { parameter: 'api_key_id' },
});

const ofPreset = (action: AuditAction): AuditedRoute => ({
  action,
  object: 'preset',
  id: { parameter: 'preset_id' },
});

/** Named by its period, and one for a key by the key. */
function ofBudget(action: AuditAction, parameter: string): AuditedRoute {
  return { action, object: 'budget', id: { parameter } };
}

/** Every other route that changes something, by method and pattern; a test sees to it that none is missing. */
export const auditedRoutes: Record<string, AuditedRoute> = {
  'POST /execute': { action: startAction, object: 'session', id: { answer: 'session_id' } },
  'POST /cancel/:session_id': ofSession('session.cancel'),
  'DELETE /sessions/cleanup': { action: 'session.cleanup', object: null, id: null },
  'DELETE /sessions/:session_id': ofSession('session.delete'),
  'PATCH /sessions/:session_id': ofSession('session.change'),
  'POST /sessions/:session_id/interrupt': ofSession('session.interrupt'),
  'POST /sessions/:session_id/fork': ofSession('session.fork'),
  'POST /sessions/:session_id/rewind': ofSession('session.rewind'),
  'POST /sessions/:session_id/messages': ofSession('message.send'),
  'PATCH /sessions/:session_id/messages/:turn_id': ofSession('message.edit'),
  'DELETE /sessions/:session_id/messages/:turn_id': ofSession('message.remove'),
  'POST /sessions/:session_id/tasks/:task_id/stop': ofSession('task.stop'),
  'PUT /sessions/:session_id/files/*': ofSession('file.write'),
  'DELETE /sessions/:session_id/files/*': ofSession('file.delete'),
  'POST /approvals/:approval_id': {
    action: 'approval.decide',
    object: 'approval',
    id: { parameter: 'approval_id' },
  },
  'DELETE /sessions/:session_id/grants/:grant_id': ofSession('grant.remove'),
  'POST /presets': { action: 'preset.create', object: 'preset', id: { answer: 'preset_id' } },
  'PATCH /presets/:preset_id': ofPreset('preset.change'),
  'DELETE /presets/:preset_id': ofPreset('preset.remove'),
  'POST /stream-tickets': { action: 'stream_ticket.create', object: null, id: null },
  'POST /sign-in': { action: 'sign_in', object: null, id: null },
  'POST /sign-out': { action: 'sign_out', object: null, id: null },
  'POST /api-keys': { action: 'api_key.create', object: 'api_key', id: { answer: 'api_key_id' } },
  'PATCH /api-keys/:api_key_id': ofKey('api_key.change'),
  'POST /api-keys/:api_key_id/rotate': ofKey('api_key.rotate'),
  'DELETE /api-keys/:api_key_id': ofKey('api_key.revoke'),
  'PUT /budgets/tenant/:period': ofBudget('budget.set', 'period'),
  'DELETE /budgets/tenant/:period': ofBudget('budget.remove', 'period'),
  'PUT /budgets/api-keys/:api_key_id/:period': ofBudget('budget.set', 'api_key_id'),
  'DELETE /budgets/api-keys/:api_key_id/:period': ofBudget('budget.remove', 'api_key_id'),
};

function startAction({ body }: FastifyRequest): AuditAction {
  const { resume_session_id, fork_session } = (body ?? {}) as Record<string, unknown>;
  if (!resume_session_id) return 'session.create';
  return fork_session === true ? 'session.fork' : 'session.resume';
}

/**
 * Fields whose values are choices and limits, and so are kept. Of the others only the name is: they hold what people and
 * agents say, and secrets.
 */
export const keptFields: ReadonlySet<string> = new Set([
  ...[
    'permission_mode',
    'approvals',
    'model',
    'max_turns',
    'max_budget_usd',
    'cwd',
    'additional_directories',
  ],
  ...[
    'resume_session_id',
    'fork_session',
    'preset_id',
    'delivery',
    'before',
    'queued',
    'to',
    'decision',
    'scope',
    'max_age_hours',
  ],
  ...['name', 'scopes', 'tenant', 'expires_at', 'keep_previous_s', 'requests_per_second'],
  ...[
    'max_active_sessions',
    'archived',
    'max_queued_turns',
    'period',
    'limit_usd',
    'api_key_id',
    'session_id',
    'network',
    'everywhere',
  ],
]);
