import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { problems } from '../http/problem.ts';
import { tokenUsage, turnError, turnResult, turnState } from '../turn/turn.ts';
import { getSessionDetail, type SessionRow, sessionKey, type TurnRow } from './service.ts';
import { queuePlace, sessionOptions, sessionStatus, waitingFor } from './session.ts';

const turnView = z
  .object({
    turn_id: z.string(),
    number: z.number().int(),
    state: turnState,
    prompt: z.string(),
    result: turnResult.nullable(),
    error: turnError.nullable(),
    cost_usd: z.number(),
    usage: tokenUsage.partial(),
    queued_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    ended_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Turn' });

const sessionView = z
  .object({
    session_id: z.string(),
    status: sessionStatus,
    waiting_for: waitingFor.nullable(),
    queue: queuePlace.nullable().describe('Where a pending session stands, and what it waits for.'),
    title: z.string().nullable(),
    metadata: z.record(z.string(), z.string()),
    options: sessionOptions,
    cwd: z.string().nullable().describe('null is a workspace of its own.'),
    claude_session_id: z.string().nullable(),
    cost_usd: z.number(),
    usage: tokenUsage.partial(),
    message_count: z.number().int(),
    last_seq: z.number().int(),
    error: z.string().nullable(),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().nullable(),
    ended_at: z.iso.datetime().nullable(),
    turns: z.array(turnView),
  })
  .meta({ id: 'Session' });

export async function sessionRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/sessions/:session_id',
    {
      schema: {
        tags: ['sessions'],
        summary: 'One session with its turns, usage and place in the queue',
        params: z.object({ session_id: z.string() }),
        response: { 200: sessionView, ...problems(404, 503) },
      },
    },
    async (request) => {
      const key = sessionKey(request.params.session_id);
      const { session, turns, queue } = await getSessionDetail(context.sessions, key);
      return { ...toView(session), queue, turns: turns.map(toTurnView) };
    },
  );
}

function toView(session: SessionRow): Omit<z.infer<typeof sessionView>, 'queue' | 'turns'> {
  return {
    session_id: session.id,
    status: session.status,
    waiting_for: session.waiting_for,
    title: session.title,
    metadata: session.metadata,
    options: session.options,
    cwd: session.cwd,
    claude_session_id: session.claude_session_id,
    cost_usd: session.cost_usd,
    usage: session.usage,
    message_count: session.message_count,
    last_seq: session.last_seq,
    error: session.error,
    created_at: session.created_at.toISOString(),
    started_at: session.started_at?.toISOString() ?? null,
    ended_at: session.ended_at?.toISOString() ?? null,
  };
}

function toTurnView(turn: TurnRow): z.infer<typeof turnView> {
  return {
    turn_id: turn.id,
    number: turn.number,
    state: turn.state,
    prompt: turn.prompt,
    result: turn.result,
    error: turn.error,
    cost_usd: turn.cost_usd,
    usage: turn.usage,
    queued_at: turn.queued_at.toISOString(),
    started_at: turn.started_at?.toISOString() ?? null,
    ended_at: turn.ended_at?.toISOString() ?? null,
  };
}
