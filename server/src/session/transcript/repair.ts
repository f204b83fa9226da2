import { sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { SessionRow } from '../store.ts';
import { listSteeredInto, messageIdOf, type TurnRow } from '../turn/store.ts';

type Trx = Transaction<Database>;

/** An entry of the agent's transcript, as far as it matters here. */
export type Entry = Record<string, unknown> & { type: string; uuid?: string };

export type Said = { type: string; uuid?: string; message?: unknown; parent_tool_use_id?: string | null };

const conversation = new Set(['assistant', 'user']);

/**
 * The agent program writes its transcript down about a tenth of a second after it has said something; the event log is
 * faster. What a killed server had in its log and not yet in the transcript is added there, so that the agent knows of
 * every tool that ran, and of every message that it had begun. Those that it had not wait again.
 *
 * @returns what the log has of the turn
 */
export async function repairTranscript(trx: Trx, session: SessionRow, turn: TurnRow): Promise<Said[]> {
  const entries = await readEntries(trx, turn);
  const said = await readMessages(trx, turn);
  // What it says it says to the prompt; what it began by itself has none.
  const whole = said.length === 0 || turn.delivery === 'task' ? said : [promptOf(turn), ...said];
  const ids = whole.flatMap(({ uuid }) => uuid ?? []);
  const known = await findKnown(trx, turn, { entries, ids });
  const lastKnown = whole.findLastIndex((message) => known.has(message.uuid));
  const missing = whole.slice(lastKnown + 1).filter((message) => message.uuid !== undefined);
  await appendEntries(
    trx,
    session,
    entries,
    missing.map(({ type, uuid, message }) => ({ type, uuid, message })),
  );
  return said;
}

/** The main conversation since the turn's prompt; everything, where the prompt is not found. */
export async function readEntries(trx: Trx, turn: TurnRow): Promise<Entry[]> {
  const { rows } = await sql<{ entry: Entry }>`
    select entry from transcripts
    where session_id = ${turn.session_id} and subpath = ''
      and id >= coalesce((
        select id from transcripts
        where session_id = ${turn.session_id} and subpath = '' and entry_uuid = ${messageIdOf(turn)}
      ), 0)
    order by id
  `.execute(trx);
  return rows.map((row) => row.entry);
}

/**
 * The main conversation from the first attachment of a kind on whose call has no result behind it; nothing, where each
 * has one: a conversation may be long, and an agent is waited for.
 */
export async function readSinceOpenCall(trx: Trx, sessionId: string, kind: string): Promise<Entry[]> {
  // By its text: the database cannot look into a document with a NUL in it.
  const { rows } = await sql<{ entry: Entry }>`
    with noted as materialized (
      select id, substring(entry::text from '"toolUseID":"([^"]*)"') as call from transcripts
      where session_id = ${sessionId} and subpath = '' and type = 'attachment'
        and position(${`"${kind}"`} in entry::text) > 0
    )
    select entry from transcripts
    where session_id = ${sessionId} and subpath = '' and id >= (
      select min(id) from noted
      where not exists (
        select from transcripts later
        where later.session_id = ${sessionId} and later.subpath = '' and later.id > noted.id and later.type = 'user'
          and position('"tool_use_id":"' || noted.call || '"' in later.entry::text) > 0
      )
    )
    order by id
  `.execute(trx);
  return rows.map((row) => row.entry);
}

/**
 * Those of `ids` that stand in the transcript, whether among the turn's entries or before its prompt: the agent may have
 * taken a message that was to steer the turn ahead of that.
 */
export async function findKnown(
  trx: Trx,
  turn: TurnRow,
  { entries, ids }: { entries: readonly Entry[]; ids: readonly string[] },
): Promise<Set<string | undefined>> {
  const known = new Set<string | undefined>(
    entries.flatMap((entry) => [messageId(entry), ...mergedInto(entry)]),
  );
  for (const id of await findInTranscript(trx, turn.session_id, ids)) known.add(id);
  return known;
}

/** Those of `ids` under which the main conversation has an entry. */
export async function findInTranscript(
  trx: Trx,
  sessionId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await trx
    .selectFrom('transcripts')
    .select('entry_uuid')
    .where('session_id', '=', sessionId)
    .where('subpath', '=', '')
    .where('entry_uuid', 'in', ids)
    .execute();
  return new Set(rows.flatMap(({ entry_uuid }) => entry_uuid ?? []));
}

/** Messages that waited together are one entry, under the id of the last: the ids of the others. */
function mergedInto({ mergedSendUuids }: Entry): string[] {
  return Array.isArray(mergedSendUuids) ? mergedSendUuids.map(String) : [];
}

/** The id of what an entry says; of a message that steered the turn, the one that it was sent under. */
export function messageId({ uuid, attachment }: Entry): string | undefined {
  const { source_uuid } = (attachment ?? {}) as { source_uuid?: string };
  return source_uuid ?? uuid;
}

/**
 * What the main agent and its tools said in the turn, and what was said to it meanwhile, as the log has it: without what was
 * lost when the turn went on.
 */
async function readMessages(trx: Trx, turn: TurnRow): Promise<Said[]> {
  const steering = new Map((await listSteeredInto(trx, turn)).map((message) => [message.id, message]));
  const rows = await trx
    .selectFrom('events')
    .select(['kind', 'turn_id', 'data'])
    .where('session_id', '=', turn.session_id)
    .where('turn_id', 'in', [turn.id, ...steering.keys()])
    .where('kind', 'in', ['sdk', 'turn'])
    .orderBy('seq')
    .execute();
  // Not by the database: it cannot look into a document with a NUL in it, which any tool may have printed.
  const lost = new Set(rows.flatMap(({ data }) => (data as { lost?: string[] }).lost ?? []));
  const said = rows.flatMap((row): Said[] => {
    if (row.kind === 'sdk') return isOfConversation(row.data as Said) ? [row.data as Said] : [];
    const message = (row.data as { phase: string }).phase === 'read' && steering.get(row.turn_id ?? '');
    return message ? [promptOf(message)] : [];
  });
  return said.filter(({ uuid }) => !lost.has(uuid ?? ''));
}

function promptOf(message: TurnRow): Said {
  const { prompt, content } = message;
  return { type: 'user', uuid: messageIdOf(message), message: { role: 'user', content: content ?? prompt } };
}

/** How many answers of the model the turn has had. */
export async function countSteps(trx: Trx, turn: TurnRow): Promise<number> {
  const said = await readMessages(trx, turn);
  const ids = said.flatMap(({ type, message }) =>
    type === 'assistant' ? [(message as { id?: string } | undefined)?.id] : [],
  );
  return new Set(ids).size;
}

function isOfConversation({ type, parent_tool_use_id = null }: Said): boolean {
  return conversation.has(type) && parent_tool_use_id === null;
}

/** Adds entries at the end of the main conversation; what they have in common with the last one is copied from it. */
export async function appendEntries(
  trx: Trx,
  session: SessionRow,
  entries: readonly Entry[],
  added: readonly (Record<string, unknown> & { type: string })[],
): Promise<void> {
  const last = entries.findLast((entry) => entry.uuid !== undefined && entry.isSidechain !== true);
  if (last === undefined || added.length === 0) return;
  const shared = ['cwd', 'sessionId', 'version', 'gitBranch', 'userType', 'entrypoint'];
  let parentUuid = last.uuid;
  const rows = added.map((entry) => {
    const uuid = String(entry.uuid);
    const whole = {
      parentUuid,
      isSidechain: false,
      ...entry,
      timestamp: new Date().toISOString(),
      ...Object.fromEntries(shared.map((name) => [name, last[name]])),
    };
    parentUuid = uuid;
    return {
      session_id: session.id,
      tenant_id: session.tenant_id,
      subpath: '',
      type: entry.type,
      entry_uuid: uuid,
      entry: JSON.stringify(whole),
    };
  });
  await trx.insertInto('transcripts').values(rows).execute();
}

/**
 * Removes what the model said after the last answer of a tool, or of the user; and what the agent program itself noted
 * there when it went on before, after which it would say nothing at all.
 *
 * @returns the ids of what the model had said
 */
export async function dropLastWords(trx: Trx, turn: TurnRow, entries: readonly Entry[]): Promise<string[]> {
  const lastHeard = entries.findLastIndex((entry) => entry.type === 'user' && !isNoteOfResume(entry));
  const last = entries.slice(lastHeard + 1);
  const first = last.find((entry) => entry.type === 'assistant' || isNoteOfResume(entry))?.uuid;
  if (first === undefined) return [];
  await sql`
    delete from transcripts
    where session_id = ${turn.session_id} and subpath = '' and id >= (
      select id from transcripts
      where session_id = ${turn.session_id} and subpath = '' and entry_uuid = ${first}
    )
  `.execute(trx);
  return last.flatMap(({ type, uuid }) => (type === 'assistant' ? (uuid ?? []) : []));
}

const NOTE_OF_RESUME = 'Continue from where you left off.';

/** The agent program adds this to a request that it makes again. Its words are not documented: agent-sdk.test.ts. */
function isNoteOfResume({ type, isMeta, message }: Entry): boolean {
  if (type !== 'user' || isMeta !== true) return false;
  const { content } = (message ?? {}) as { content?: unknown };
  const [only, ...more] = Array.isArray(content) ? content : [{ type: 'text', text: content }];
  return more.length === 0 && only?.type === 'text' && only.text === NOTE_OF_RESUME;
}
