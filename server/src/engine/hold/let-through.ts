import { type Kysely, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { Hold } from './claim.ts';

/*
 * Which calls of tools may have run. A turn can go on in another process only where that is known: what the agent's
 * transcript has no result of may have run in whole, in part, or not at all, and is never made again by the server.
 */

/** `toldIn`: the message that told the agent that its outcome is unknown. */
export type LetThroughCall = { id: string; tool: string; input: string; toldIn: string | null };

/** They change nothing, so that it does not matter whether they ran. */
const harmless = new Set(['Glob', 'Grep', 'Read', 'TaskGet', 'TaskList', 'WebFetch', 'WebSearch']);

/** Enough to tell a call from others. */
const MAX_INPUT = 2_000;

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
    .select(['tool_use_id as id', 'tool_name as tool', 'input', 'told_in as toldIn'])
    .where('session_id', '=', sessionId)
    .where('turn_id', '=', turnId)
    .execute();
}

/** The turn has ended: nobody will ask. */
export async function forgetCalls(trx: Transaction<Database>, sessionId: string): Promise<void> {
  await trx.deleteFrom('let_through_calls').where('session_id', '=', sessionId).execute();
}

/** They waited for a person, and are made anew under other ids: these have not run. */
export async function forgetUnmade(
  trx: Transaction<Database>,
  sessionId: string,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  await trx
    .deleteFrom('let_through_calls')
    .where('session_id', '=', sessionId)
    .where('tool_use_id', 'in', ids)
    .execute();
}

/** The agent is told of them by this message. */
export async function markTold(
  trx: Transaction<Database>,
  sessionId: string,
  { ids, messageId }: { ids: readonly string[]; messageId: string },
): Promise<void> {
  if (ids.length === 0) return;
  await trx
    .updateTable('let_through_calls')
    .set({ told_in: messageId })
    .where('session_id', '=', sessionId)
    .where('tool_use_id', 'in', ids)
    .execute();
}

/** The message has another id. */
export async function renewTold(trx: Transaction<Database>, from: string, to: string): Promise<void> {
  await trx.updateTable('let_through_calls').set({ told_in: to }).where('told_in', '=', from).execute();
}

/** What the agent is told of calls whose outcome nobody knows. */
export function noteOn(calls: readonly LetThroughCall[]): string {
  const begin = 'Your work was cut off in the middle, and goes on in another process.';
  if (calls.length === 0) return `${begin} Go on with the task.`;
  const list = calls.map(({ tool, input }) => `- ${tool} ${input}`).join('\n');
  return (
    `${begin} What came of these tool calls is unknown: they may have run in whole, in part, or not at all.\n` +
    `${list}\nLook at how things stand before you make one of them again. Then go on with the task.`
  );
}
