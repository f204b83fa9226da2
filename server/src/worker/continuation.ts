/**
 * What becomes of a turn that was running when its agent process ended: because the server died, or because the turn
 * was parked while it waited for a person.
 */
import { randomUUID } from 'node:crypto';
import { sql, type Transaction } from 'kysely';
import { type ApprovalRow, listUndelivered } from '../approval/store.ts';
import type { Database } from '../db/database.ts';
import type { SessionRow } from '../session/store.ts';
import type { TurnRow } from '../turn/store.ts';
import { OpenCalls } from './open-calls.ts';

/**
 * - send: the agent has never heard of the prompt.
 * - resume_call: one call waits, and is made again under its own id: its answer is there by now.
 * - rerun: the agent asks the model again, from the last complete step on; a call that equals one that was decided
 *   takes that decision.
 */
export type Continuation = 'send' | 'resume_call' | 'rerun';

type Trx = Transaction<Database>;

type Entry = Record<string, unknown> & { type: string; uuid?: string };

/** The main conversation since the turn's prompt; everything, where the prompt is not found. */
async function entriesOf(trx: Trx, turn: TurnRow): Promise<{ entries: Entry[]; hasPrompt: boolean }> {
  const { rows } = await sql<{ entry: Entry; is_prompt: boolean }>`
    select entry, entry_uuid = ${turn.id}::uuid is true as is_prompt from transcripts
    where session_id = ${turn.session_id} and subpath = ''
      and id >= coalesce((
        select id from transcripts
        where session_id = ${turn.session_id} and subpath = '' and entry_uuid = ${turn.id}
      ), 0)
    order by id
  `.execute(trx);
  return { entries: rows.map((row) => row.entry), hasPrompt: rows.some((row) => row.is_prompt) };
}

function openCallsOf(entries: readonly Entry[]): OpenCalls {
  const calls = new OpenCalls();
  for (const entry of entries) calls.observe(entry);
  return calls;
}

/**
 * Whether nothing of the turn was under way but questions to a person: then it can go on as if nothing had happened.
 * A call whose decision the process had been told may have run, and is never made again silently.
 */
export async function onlyWaited(trx: Trx, turn: TurnRow): Promise<boolean> {
  const asked = await listUndelivered(trx, turn.id);
  if (asked.length === 0 || asked.some((approval) => approval.agent_id !== null)) return false;
  const ids = new Set(asked.map((approval) => approval.tool_use_id));
  const { entries } = await entriesOf(trx, turn);
  return [...openCallsOf(entries).keys()].every((id) => ids.has(id));
}

/** Decides how the turn goes on, and prepares the transcript for it. */
export async function prepareContinuation(
  trx: Trx,
  session: SessionRow,
  turn: TurnRow,
): Promise<Continuation> {
  const { entries, hasPrompt } = await entriesOf(trx, turn);
  const calls = openCallsOf(entries);
  const asked = (await listUndelivered(trx, turn.id)).filter((approval) => calls.has(approval.tool_use_id));
  if (!hasPrompt && asked.length === 0) return 'send';
  const [only] = asked;
  if (only === undefined || asked.length > 1 || calls.size > 1) return 'rerun';
  await appendDeferral(trx, session, { approval: only, entries });
  return 'resume_call';
}

/**
 * The entry with which the agent program itself notes that a call was put off: it then makes the call again when it
 * resumes, under the same id. Its shape is not documented; the tests of approvals fail when it changes.
 */
async function appendDeferral(
  trx: Trx,
  session: SessionRow,
  { approval, entries }: { approval: ApprovalRow; entries: readonly Entry[] },
): Promise<void> {
  const last = entries.findLast((entry) => entry.uuid !== undefined && entry.isSidechain !== true);
  if (last === undefined) return;
  const uuid = randomUUID();
  const copied = ['cwd', 'sessionId', 'version', 'gitBranch', 'userType', 'entrypoint'].map((name) => [
    name,
    last[name],
  ]);
  const entry = {
    parentUuid: last.uuid,
    isSidechain: false,
    attachment: {
      type: 'hook_deferred_tool',
      toolUseID: approval.tool_use_id,
      toolName: approval.tool_name,
      toolInput: openCallsOf(entries).get(approval.tool_use_id) ?? approval.input,
      hookName: 'settings',
      hookEvent: 'PreToolUse',
      permissionMode: session.options.permission_mode ?? 'default',
    },
    type: 'attachment',
    uuid,
    timestamp: new Date().toISOString(),
    ...Object.fromEntries(copied),
  };
  await trx
    .insertInto('transcripts')
    .values({
      session_id: session.id,
      tenant_id: session.tenant_id,
      subpath: '',
      type: entry.type,
      entry_uuid: uuid,
      entry: JSON.stringify(entry),
    })
    .execute();
}
