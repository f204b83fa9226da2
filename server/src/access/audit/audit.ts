import { z } from 'zod';

/** `request` is one that was denied and would have changed nothing. */
export const auditActions = [
  ...['session.create', 'session.resume', 'session.fork', 'session.change', 'session.interrupt'],
  ...['session.cancel', 'session.rewind', 'session.delete', 'session.cleanup'],
  ...['message.send', 'message.edit', 'message.remove', 'task.stop', 'approval.decide', 'grant.remove'],
  ...['preset.create', 'preset.change', 'preset.remove'],
  ...['file.write', 'file.delete', 'stream_ticket.create', 'sign_in', 'sign_in.link', 'sign_out'],
  ...['api_key.create', 'api_key.change', 'api_key.rotate', 'api_key.revoke', 'budget.set', 'budget.remove'],
  'request',
] as const;
export type AuditAction = (typeof auditActions)[number];

export const auditOutcome = z.enum(['done', 'denied', 'failed']);
export type AuditOutcome = z.infer<typeof auditOutcome>;

/** What of the request may be kept: no prompt, no content, no secret. */
export const auditDetails = z.object({
  method: z.string(),
  route: z.string().nullable().describe('null is a route that there is not.'),
  path: z.string().describe('As it was sent, without the query.'),
  fields: z.array(z.string()).describe('Names of the fields that the body had.'),
  values: z.record(z.string(), z.unknown()).describe('Those of its fields that hold a choice or a limit.'),
});
export type AuditDetails = z.infer<typeof auditDetails>;

export const auditEntry = z
  .object({
    id: z.string(),
    at: z.iso.datetime(),
    tenant: z.string().nullable().describe('null where no key was shown.'),
    actor_id: z.string().nullable().describe('Id of the API key; null is the local user, or nobody known.'),
    actor: z.string(),
    ip: z.string(),
    request_id: z.string(),
    action: z.string(),
    object_type: z.string().nullable(),
    object_id: z.string().nullable(),
    outcome: auditOutcome,
    status: z.number().int(),
    details: auditDetails,
  })
  .meta({ id: 'AuditEntry', description: 'Who did what, or tried to.' });
export type AuditEntry = z.infer<typeof auditEntry>;

const MAX_PAGE = 1_000;
const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

export const auditQuery = z.strictObject({
  from: time.optional().describe('Not before this time.'),
  to: time.optional().describe('Before this time.'),
  actor: z.string().max(200).optional().describe('Id of an API key.'),
  action: z.enum(auditActions).optional(),
  object: z.string().max(200).optional().describe('Id of a session, an approval, a key, a budget.'),
  outcome: auditOutcome.optional(),
  tenant: z.string().max(100).optional().describe('For operators, who otherwise see all tenants.'),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(100).describe('Pages only.'),
  cursor: z.uuid().optional().describe('`next` of the page before.'),
  format: z.enum(['json', 'jsonl']).default('json').describe('`jsonl`: all that matches, an entry a line.'),
});
export type AuditQuery = z.infer<typeof auditQuery>;
