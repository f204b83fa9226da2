import { z } from 'zod';
import { grantView, toGrantView } from './approval/grants.ts';
import { withoutSecrets } from './options/secrets.ts';
import type { SessionDetail, SessionRow } from './service.ts';
import { queuePlace, sessionOptions, sessionStatus, waitingFor } from './session.ts';
import { tokenUsage } from './turn/turn.ts';
import { toTurnView, turnView } from './turn/view.ts';

/** A session as the API shows it. */
export const sessionView = z
  .object({
    session_id: z.string(),
    status: sessionStatus,
    waiting_for: waitingFor.nullable(),
    queue: queuePlace.nullable().describe('Where a pending session stands, and what it waits for.'),
    title: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    archived: z.boolean(),
    options: sessionOptions,
    grants: z.array(grantView).describe('What approvals allowed for the rest of the session.'),
    cwd: z.string().nullable().describe('null is a workspace of its own.'),
    effective_permission_mode: z
      .string()
      .nullable()
      .describe('What its agent said that it is in; null before the first start.'),
    isolation: z.string().nullable().describe('What its agent ran in last; null before the first start.'),
    claude_session_id: z.string().nullable(),
    api_key_id: z.string().nullable().describe('Who started it; null is the local user.'),
    cost_usd: z.number(),
    max_budget_usd: z.number().nullable(),
    parent_id: z.string().nullable().describe('The session that this one was forked from.'),
    forked_at: z.number().int().nullable().describe('Up to which `seq` both share their history.'),
    usage: tokenUsage.partial(),
    message_count: z.number().int(),
    last_seq: z.number().int(),
    error: z.string().nullable(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    ended_at: z.iso.datetime().nullable(),
    updated_at: z.iso.datetime(),
    turns: z
      .array(turnView)
      .describe('The one that runs, and the latest 20, fewer where they are large; oldest first.'),
    turns_omitted: z.number().int().describe('Older turns: `GET /sessions/{session_id}/turns` has them all.'),
  })
  .meta({ id: 'Session' });

export type SessionView = z.infer<typeof sessionView>;

export const interruptionView = z
  .object({
    session_id: z.string(),
    status: sessionStatus,
    interrupted: z.string().nullable().describe('The turn that was running.'),
    discarded: z.array(z.string()).describe('Turns that were waiting.'),
  })
  .meta({ id: 'Interruption' });

export function toSessionView({ session, turns, queue }: SessionDetail): SessionView {
  // They are numbered without gaps.
  const omitted = (turns.at(-1)?.number ?? 0) - turns.length;
  return { ...toView(session), queue, turns: turns.map(toTurnView), turns_omitted: omitted };
}

function toView(session: SessionRow): Omit<SessionView, 'queue' | 'turns' | 'turns_omitted'> {
  return {
    session_id: session.id,
    status: session.status,
    waiting_for: session.waiting_for,
    title: session.title,
    metadata: session.metadata,
    archived: session.is_archived,
    options: withoutSecrets(session.options),
    grants: session.grants.map(toGrantView),
    cwd: session.cwd,
    effective_permission_mode: session.effective_permission_mode,
    isolation: session.isolation,
    claude_session_id: session.claude_session_id,
    api_key_id: session.api_key_id,
    cost_usd: session.cost_usd,
    max_budget_usd: session.max_budget_usd,
    parent_id: session.parent_id,
    forked_at: session.forked_at,
    usage: session.usage,
    message_count: session.message_count,
    last_seq: session.last_seq,
    error: session.error,
    created_at: session.created_at.toISOString(),
    started_at: session.started_at?.toISOString() ?? null,
    ended_at: session.ended_at?.toISOString() ?? null,
    updated_at: session.updated_at.toISOString(),
  };
}
