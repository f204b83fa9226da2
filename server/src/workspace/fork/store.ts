/**
 * The copying of a session's history, in the database. What it copies no longer changes: the log and the transcript
 * only grow, a turn or an approval that is over stays as it is, and the parent's row is locked against everything but
 * new events. So a session can be forked while it runs.
 */
import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { messageTypes } from '../../session/event/event.ts';
import { type NewSession, newRow, type SessionKey, type SessionRow } from '../../session/store.ts';
import { findTurn } from '../../session/turn/store.ts';

type Trx = Transaction<Database>;
type Sql<T> = RawBuilder<T>;

/** The session that is forked, up to its event `at`, and the new one. */
export type Copy = { parentId: string; forkId: string; at: number };

/** The row, kept from being deleted until the transaction ends; events may still be appended. */
export async function holdSession(trx: Trx, key: SessionKey): Promise<SessionRow | undefined> {
  return await trx
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', key.id)
    .where('tenant_id', '=', key.tenantId)
    .forKeyShare()
    .executeTakeFirst();
}

/** What was paid for is the parent's; so is what was allowed there. */
export async function insertFork(trx: Trx, { parentId, at }: Copy, fork: NewSession): Promise<void> {
  await trx
    .insertInto('sessions')
    .values({
      ...newRow(fork),
      // Until it is known how the last turn of the history ended.
      status: 'completed',
      prompt: sql<string>`(select prompt from sessions where id = ${parentId})`,
      claude_session_id: fork.id,
      parent_id: parentId,
      forked_at: at,
      last_seq: at,
      are_tasks_noted: sql<boolean>`(select are_tasks_noted from sessions where id = ${parentId})`,
      ended_at: sql<Date>`now()`,
    })
    .execute();
}

/**
 * Copies turns, approvals, events, tasks and transcript, each with `at` as the present: what was not over by then is running,
 * queued or pending in the copy. The copied row then says how the last turn ended.
 */
export async function copyHistory(trx: Trx, copy: Copy, options: { isWhole: boolean }): Promise<void> {
  await copyTurns(trx, copy);
  await copyApprovals(trx, copy);
  await copyEvents(trx, copy);
  await copyTasks(trx, copy);
  await copyTranscript(trx, copy, options);
  await describeFork(trx, copy);
}

async function copyTurns(trx: Trx, copy: Copy): Promise<void> {
  const interrupted = <T>(column: string): Sql<T> => sql<T>`case when is_over then ${sql.ref(column)} end`;
  await sql`
    with known as (
      select turn_id, bool_or(${phase} = 'started') as has_started,
        coalesce((array_agg(${phase} order by seq desc) filter (where ${phase} in ('ended', 'steered', 'returned')))[1], 'returned')
          <> 'returned' as is_over
      from events
      where session_id = ${copy.parentId} and seq <= ${copy.at} and kind in ('prompt', 'turn')
      group by turn_id
    )
    insert into turns (id, session_id, tenant_id, number, state, api_key_id, prompt, content, delivery, urgency, place, sent_at,
      steered_into, result, error, is_accounted, queued_at, started_at, ended_at)
    select ${copiedId(copy, sql.ref('id'))}, ${copy.forkId}, tenant_id, number,
      case when is_over then state when has_started then 'running' else 'queued' end,
      api_key_id, prompt, content, delivery, urgency, place, sent_at, ${copiedId(copy, interrupted('steered_into'))},
      ${interrupted('result')}, ${interrupted('error')}, true,
      queued_at, case when has_started then started_at end, ${interrupted('ended_at')}
    from turns join known on known.turn_id = turns.id
  `.execute(trx);
}

async function copyApprovals(trx: Trx, copy: Copy): Promise<void> {
  const decided = <T>(column: string): Sql<T> => sql<T>`case when is_over then ${sql.ref(column)} end`;
  await sql`
    with known as (
      select ${approvalId}::uuid as approval_id, bool_or(${phase} <> 'requested') as is_over
      from events
      where session_id = ${copy.parentId} and seq <= ${copy.at} and kind = 'approval'
      group by 1
    )
    insert into approvals (id, session_id, tenant_id, turn_id, kind, tool_name, tool_use_id, agent_id, input, details,
      status, answer, decided_by, requested_at, expires_at, decided_at, delivered_at)
    select ${copiedId(copy, sql.ref('id'))}, ${copy.forkId}, tenant_id, ${copiedId(copy, sql.ref('turn_id'))}, kind,
      tool_name, tool_use_id, agent_id, input, details, case when is_over then status else 'pending' end,
      ${decided('answer')}, ${decided('decided_by')}, requested_at, expires_at, ${decided('decided_at')},
      ${decided('delivered_at')}
    from approvals join known on known.approval_id = approvals.id
  `.execute(trx);
}

/** What the agent said stays verbatim. What names turns and approvals names their copies. */
async function copyEvents(trx: Trx, copy: Copy): Promise<void> {
  await sql`
    insert into events (session_id, seq, tenant_id, turn_id, kind, data, at)
    select ${copy.forkId}, seq, tenant_id, ${copiedId(copy, sql.ref('turn_id'))}, kind,
      case kind
        when 'turn' then ${renamed(copy, sql`data::text`, { steered_into: steeredInto, before: movedBefore })}::json
        when 'approval' then replace(
          ${renamed(copy, sql`data::text`, { approval_id: approvalId, turn_id: sql`turn_id::text` })},
          ${`"session_id":"${copy.parentId}"`}, ${`"session_id":"${copy.forkId}"`}
        )::json
        else data
      end, at
    from events where session_id = ${copy.parentId} and seq <= ${copy.at} order by seq
  `.execute(trx);
}

/** Their processes are the parent's: those that were running by `at` are stopped in the copy. */
async function copyTasks(trx: Trx, copy: Copy): Promise<void> {
  const known = <T>(column: string): Sql<T> =>
    sql<T>`case when ended_seq <= ${copy.at} then ${sql.ref(column)} end`;
  await sql`
    insert into tasks (session_id, task_id, tenant_id, seq, turn_id, description, is_background, subagent_type,
      tool_use_id, started_at, status, summary, ended_seq, ended_at)
    select ${copy.forkId}, task_id, tenant_id, seq, ${copiedId(copy, sql.ref('turn_id'))}, description, is_background,
      subagent_type, tool_use_id, started_at, ${known('status')}, ${known('summary')}, ${known('ended_seq')},
      ${known('ended_at')}
    from tasks where session_id = ${copy.parentId} and seq <= ${copy.at}
  `.execute(trx);
}

/**
 * Copies what the agent program needs to go on: everything, or up to the last message that the log had by `at`, with
 * what the program told the model beside it. The entries say whose they are, and name files of a workspace that is
 * copied as well; but a model's thoughts are signed, and stay as they are.
 */
async function copyTranscript(trx: Trx, copy: Copy, { isWhole }: { isWhole: boolean }): Promise<void> {
  const { parentId, forkId } = copy;
  const end = isWhole ? Number.MAX_SAFE_INTEGER : await findTranscriptEnd(trx, copy);
  const text = sql`replace(entry::text, ${`"sessionId":"${parentId}"`}, ${`"sessionId":"${forkId}"`})`;
  const [from, to] = [parentId, forkId].map((id) => `/sessions/${id}/workspace`);
  await sql`
    insert into transcripts (session_id, tenant_id, subpath, type, entry_uuid, entry)
    select ${forkId}, tenant_id, subpath, type, entry_uuid,
      case when entry::text like '%"type":"thinking"%' then ${text} else replace(${text}, ${from}, ${to}) end::json
    from transcripts where session_id = ${parentId} and id <= ${end} order by id
  `.execute(trx);
}

/** Before the next message, which may be one that steered the turn: what stands between belongs to the last one. */
async function findTranscriptEnd(trx: Trx, { parentId, at }: Copy): Promise<number> {
  const main = sql`transcripts.session_id = ${parentId} and subpath = ''`;
  const { rows } = await sql<{ end_id: number | null }>`
    with prompt as (
      select max(id) as id from transcripts where ${main} and entry_uuid in (
        select turn_id from events
        where session_id = ${parentId} and seq <= ${at} and kind = 'turn' and ${phase} = 'started'
      )
    ), message as (
      select found.id from events cross join lateral (
        select id from transcripts
        where ${main} and type in ('user', 'assistant') and entry_uuid = ${messageUuid}
      ) as found
      where session_id = ${parentId} and seq <= ${at} and kind = 'sdk'
      order by seq desc limit 1
    ), last as (
      select greatest((select id from prompt), (select id from message)) as id
    ), next as (
      select min(id) as id from transcripts
      where ${main} and id > (select id from last) and (
        type in ('user', 'assistant', 'system', 'queue-operation')
        or type = 'attachment' and ${steeringMessage} is not null and ${steeringMessage} not in (
          select turn_id from events
          where session_id = ${parentId} and seq <= ${at} and kind = 'turn' and ${phase} = 'steered'
        )
      )
    )
    select coalesce(next.id - 1, case when last.id is null then 0 else ${Number.MAX_SAFE_INTEGER}::bigint end) as end_id
    from last, next
  `.execute(trx);
  return rows[0]?.end_id ?? 0;
}

async function describeFork(trx: Trx, { forkId }: Copy): Promise<void> {
  const ended = await trx
    .selectFrom('events')
    .select('turn_id')
    .where('session_id', '=', forkId)
    .where('kind', '=', 'turn')
    .where(phase, '=', 'ended')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  const lastId = ended?.turn_id ?? null;
  const last = lastId === null ? undefined : await findTurn(trx, { sessionId: forkId, id: lastId });
  await trx
    .updateTable('sessions')
    .set({
      turn_count: sql<number>`(select count(*) from turns where session_id = ${forkId})`,
      message_count: sql<number>`(
        select count(*) from events
        where session_id = ${forkId} and kind = 'sdk' and ${readable} ->> 'type' = any(${[...messageTypes]}::text[])
      )`,
      ...(last === undefined || last.state === 'queued'
        ? {}
        : { status: last.state, error: last.error?.message ?? null }),
    })
    .where('id', '=', forkId)
    .execute();
}

/** The copy of an id: another one in each fork, and as old as the original. Ids are UUID v7, which begin with the time. */
function copiedId({ forkId }: Copy, id: Sql<unknown>): Sql<string> {
  const hash = sql`left(encode(sha256((${forkId} || ${id}::text)::bytea), 'hex'), 32)::uuid::text`;
  return sql<string>`(left(${id}::text, 15) || substr(${hash}, 16, 4) || '8' || substr(${hash}, 21))::uuid`;
}

/** Our own events are written by this program: what is looked for stands in them as it is written here. */
const phase = sql<string>`substring(data::text from '"phase":"([a-z]+)"')`;
const approvalId = sql<string>`substring(data::text from '"approval_id":"([0-9a-f-]{36})"')`;
const steeredInto = sql<string>`substring(data::text from '"steered_into":"([0-9a-f-]{36})"')`;
const movedBefore = sql<string>`substring(data::text from '"before":"([0-9a-f-]{36})"')`;

/** Which message an entry of the agent program's hands to a turn that runs; null for other entries. */
const steeringMessage = sql<
  string | null
>`substring(entry::text from '"source_uuid":"([0-9a-f-]{36})"')::uuid`;

/** The ids under these keys become those of the copies. */
function renamed(copy: Copy, text: Sql<unknown>, ids: Record<string, Sql<unknown>>): Sql<unknown> {
  return Object.entries(ids).reduce((renaming, [key, id]) => {
    const member = (value: Sql<unknown>) => sql`${`"${key}":"`}::text || ${value}::text || '"'`;
    return sql`coalesce(replace(${renaming}, ${member(id)}, ${member(copiedId(copy, id))}), ${renaming})`;
  }, text);
}

/**
 * A message of the agent, to look into. It may hold escapes that PostgreSQL stores and does not read: of NUL, and of
 * half a surrogate pair.
 */
const readable = sql`regexp_replace(data::text, '\\\\u[0-9a-f]{4}', '\\\\ufffd', 'gi')::json`;
const messageUuid = sql<string>`substring(${readable} ->> 'uuid' from '^[0-9a-f-]{36}$')::uuid`;
