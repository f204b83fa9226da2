import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../db/database.ts';
import type { SessionOptions } from '../session/session.ts';
import type { Hold } from './claim.ts';

/*
 * Which calls of tools may have run. A turn can go on in another process only where that is known: what the agent's
 * transcript has no result of may have run in whole, in part, or not at all, and is never made again by the server.
 */

export type LetThroughCall = { id: string; tool: string; input: string };

/** They change nothing, so that it does not matter whether they ran. */
const harmless = new Set(['Glob', 'Grep', 'Read', 'TaskGet', 'TaskList', 'WebFetch', 'WebSearch']);

/** Enough to tell a call from others. */
const MAX_INPUT = 2_000;

/** Whether a turn goes on by itself when its server has died. */
export function goesOn({ on_interruption }: SessionOptions): boolean {
  return on_interruption === 'continue' || on_interruption === 'resume';
}

/** Notes a call before it may run. Throws where the fence is no longer the newest: then it must not. */
export async function noteCall(
  db: Kysely<Database>,
  { sessionId, fence }: Hold,
  call: { turnId: string; toolUseId: string; toolName: string; input: unknown },
): Promise<void> {
  if (harmless.has(call.toolName)) return;
  const input = JSON.stringify(call.input ?? {})
    .slice(0, MAX_INPUT)
    .toWellFormed();
  const { rows } = await sql<{ id: string }>`
    with held as (select id, tenant_id from sessions where id = ${sessionId} and fence = ${fence}),
    noted as (
      insert into let_through_calls (session_id, tool_use_id, tenant_id, turn_id, tool_name, input)
      select id, ${call.toolUseId}, tenant_id, ${call.turnId}, ${call.toolName}, ${input} from held
      on conflict (session_id, tool_use_id) do nothing
    )
    select id from held`.execute(db);
  if (rows.length === 0) throw new Error('the session is held by another worker now');
}

export async function listCalls(
  trx: Transaction<Database>,
  { sessionId, turnId }: { sessionId: string; turnId: string },
): Promise<LetThroughCall[]> {
  return await trx
    .selectFrom('let_through_calls')
    .select(['tool_use_id as id', 'tool_name as tool', 'input'])
    .where('session_id', '=', sessionId)
    .where('turn_id', '=', turnId)
    .execute();
}

/** The turn has ended: nobody will ask. */
export async function forgetCalls(trx: Transaction<Database>, sessionId: string): Promise<void> {
  await trx.deleteFrom('let_through_calls').where('session_id', '=', sessionId).execute();
}

/** What the agent is told of calls whose outcome nobody knows. */
export function noteOn(calls: readonly LetThroughCall[]): string {
  const list = calls.map(({ tool, input }) => `- ${tool} ${input}`).join('\n');
  return (
    'The server that you ran on stopped in the middle of your work. What came of these tool calls is unknown: they may have ' +
    'run in whole, in part, or not at all.\n' +
    `${list}\nLook at how things stand before you make one of them again. Then go on with the task.`
  );
}
