/**
 * What becomes of a turn that was running when its agent process ended: since that or its server died, or since the turn
 * was parked.
 */
import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { z } from 'zod';
import type { Database } from '../../ground/db/database.ts';
import { withdrawApprovals } from '../../session/approval/lifecycle.ts';
import { type ApprovalRow, listUndelivered } from '../../session/approval/store.ts';
import type { StoredEvent } from '../../session/event/event.ts';
import { recordWaiting, returnTurn } from '../../session/lifecycle.ts';
import { optionDefaults } from '../../session/options/fields.ts';
import type { SessionOptions } from '../../session/session.ts';
import type { SessionRow } from '../../session/store.ts';
import { hasOpenAgents } from '../../session/task/store.ts';
import {
  appendEntries,
  dropLastWords,
  type Entry,
  findInTranscript,
  findKnown,
  readEntries,
  readSinceOpenCall,
  repairTranscript,
  type Said,
} from '../../session/transcript/repair.ts';
import { listSteeredInto, messageIdOf, type TurnRow } from '../../session/turn/store.ts';
import type { TurnNote } from '../../session/turn/turn.ts';
import type { KeptTurn } from './claim.ts';
import { forgetUnmade, type LetThroughCall, listCalls, markTold, noteOn } from './let-through.ts';
import { OpenCalls } from './open-calls.ts';
import { parseResult, type ResultMessage } from './outcome.ts';

/**
 * - send: the agent has never heard of the prompt.
 * - resume_call: one call waits, and is made again under its own id: its answer is there by now.
 * - rerun: no tool was at work: the agent asks the model again, from the last complete step on; a call that equals one that
 *   was decided takes that decision.
 * - note: tools were at work, or the process that was to go on said nothing: the agent is told so. Where it has never heard
 *   of the prompt, though a tool of it may have run, that stands before it.
 * - over: the agent had said its result, and nobody wrote the end of the turn down.
 * - stuck: it went on often enough, and came no further.
 */
export type Continuation =
  | { by: 'send' | 'resume_call' | 'stuck' }
  | { by: 'over'; result: ResultMessage }
  /** `lost`: what the log has of the agent, by the ids of its messages, and its conversation does not. */
  | { by: 'rerun'; lost: string[] }
  | { by: 'note'; note: TurnNote; lost: string[] };

type Trx = Transaction<Database>;

/** Whether a turn is to go on by itself when it was cut off. */
export function goesOn({ on_interruption }: SessionOptions): boolean {
  return (on_interruption ?? optionDefaults.on_interruption) !== 'end';
}

/** Whether one that was may: by the options that it began with, and only where it is known which calls may have run. */
export function mayGoOn(session: Pick<SessionRow, 'options'>, turn: TurnRow): boolean {
  return turn.notes_calls && goesOn(turn.options ?? session.options);
}

const content = z.looseObject({
  message: z.looseObject({
    content: z.array(z.looseObject({ type: z.string(), tool_use_id: z.string().optional() })),
  }),
});

/** Calls, of the main agent, that have a result. */
function answeredCalls(entries: readonly Entry[]): Set<string> {
  const blocks = entries.flatMap((entry) =>
    entry.type === 'user' ? (content.safeParse(entry).data?.message.content ?? []) : [],
  );
  return new Set(
    blocks.flatMap(({ type, tool_use_id }) => (type === 'tool_result' ? (tool_use_id ?? []) : [])),
  );
}

/** Of the last answer of the model: what one before it called and got no result of is no part of the conversation any more. */
function openCallsOf(entries: readonly Entry[]): OpenCalls {
  const calls = new OpenCalls();
  let answer: unknown;
  for (const entry of entries) {
    const { id } = (entry.type === 'assistant' ? (entry.message ?? {}) : {}) as { id?: unknown };
    if (id !== undefined && id !== answer) calls.clear();
    answer = id ?? answer;
    calls.observe(entry);
  }
  return calls;
}

/** What the agent said in which it made the calls, by the ids of the messages. */
function messagesOf(calls: OpenCalls, entries: readonly Entry[]): string[] {
  return entries.flatMap((entry) => {
    const own = new OpenCalls();
    own.observe(entry);
    return [...own.keys()].some((id) => calls.has(id)) ? (entry.uuid ?? []) : [];
  });
}

/**
 * Whether nothing of the turn was under way but questions to a person: then it can go on as if nothing had happened.
 * A call whose decision the process had been told may have run, and is never made again silently.
 */
export async function onlyWaited(trx: Trx, session: SessionRow, turn: TurnRow): Promise<boolean> {
  const asked = await listUndelivered(trx, turn.id);
  if (asked.length === 0 || asked.some((approval) => approval.agent_id !== null)) return false;
  const ids = new Set(asked.map((approval) => approval.tool_use_id));
  await repairTranscript(trx, session, turn);
  const entries = await readEntries(trx, turn);
  return [...openCallsOf(entries).keys()].every((id) => ids.has(id));
}

/**
 * Messages that became part of a turn whose process has ended, and that it never read: they wait again. What it read, it
 * had begun, or its transcript has it.
 */
export async function returnUnread(trx: Trx, session: SessionRow, turn: TurnRow): Promise<StoredEvent[]> {
  const given = (await listSteeredInto(trx, turn)).filter(({ read_at }) => read_at === null);
  if (given.length === 0) return [];
  const entries = await readEntries(trx, turn);
  const read = await findKnown(trx, turn, { entries, ids: given.map(messageIdOf) });
  const events: StoredEvent[] = [];
  for (const message of given) {
    if (!read.has(messageIdOf(message))) events.push(...(await returnTurn(trx, session, message)));
  }
  return events;
}

/** What subagents had asked: they have ended with their process, and no answer would reach them. */
export async function withdrawOfSubagents(trx: Trx, session: SessionRow): Promise<StoredEvent[]> {
  const withdrawn = await withdrawApprovals(trx, session.id, ({ agent_id }) => agent_id !== null);
  return withdrawn.length === 0 ? [] : await recordWaiting(trx, session, withdrawn);
}

/** Decides how the turn goes on, and prepares the transcript for it. */
export async function prepareContinuation(
  trx: Trx,
  session: SessionRow,
  turn: TurnRow,
  { reason, isWhole }: KeptTurn,
): Promise<Continuation> {
  const said = await repairTranscript(trx, session, turn);
  const entries = await readEntries(trx, turn);
  const isSilent = reason === 'agent_silent';
  const way = await chooseWay(trx, session, turn, { said, entries, isSilent });
  // Who waited, or left by itself, has not failed to get further; nor has who never began.
  const isOfAgent = reason === 'agent_ended' || reason === 'agent_silent';
  const isCounted = reason !== null && !isWhole && way.by !== 'over' && (way.by !== 'send' || isOfAgent);
  return isCounted && !(await noteTry(trx, turn, entries)) ? { by: 'stuck' } : way;
}

type Past = {
  /** What the log has of the turn. */
  said: readonly Said[];
  entries: readonly Entry[];
  /** It was gone on with before, and its agent said nothing. */
  isSilent: boolean;
};

async function chooseWay(
  trx: Trx,
  session: SessionRow,
  turn: TurnRow,
  { said, entries, isSilent }: Past,
): Promise<Continuation> {
  const calls = openCallsOf(entries);
  const asked = (await listUndelivered(trx, turn.id)).filter((approval) => calls.has(approval.tool_use_id));
  const unknown = await findUnknown(trx, turn, { entries, asked });
  // What an agent began by itself has no prompt.
  const isHeard =
    turn.delivery === 'task' ? said.length > 0 : entries.some((entry) => entry.uuid === messageIdOf(turn));
  if (!isHeard && asked.length === 0) {
    if (said.length === 0 && unknown.length === 0) return { by: 'send' };
    const lost = said.flatMap(({ uuid }) => uuid ?? []);
    return { by: 'note', note: await writeNote(trx, turn, { unknown, withPrompt: true }), lost };
  }
  if (unknown.length > 0 || isSilent)
    return { by: 'note', note: await writeNote(trx, turn, { unknown, withPrompt: false }), lost: [] };
  const [only] = asked;
  if (only === undefined) {
    const result = calls.size === 0 ? await findResult(trx, turn) : null;
    // Its agent was still to hear of them.
    if (result !== null && !(await hasOpenAgents(trx, turn))) return { by: 'over', result };
  }
  // A call is made again before the agent is connected to its MCP servers.
  const isOfServer = only?.tool_name.startsWith('mcp__');
  if (only === undefined || isOfServer || asked.length > 1 || calls.size > 1) {
    // After a last word of the model, or of a process that went on here before, the agent program would think that the
    // turn had ended. Calls without a result it leaves out by itself.
    const lost = new Set([...messagesOf(calls, entries), ...(await dropLastWords(trx, turn, entries))]);
    await forgetUnmade(trx, session.id, [...calls.keys()]);
    return { by: 'rerun', lost: [...lost] };
  }
  const deferral = deferralOf(only, session, calls.get(only.tool_use_id) ?? only.input);
  await appendEntries(trx, session, entries, [deferral]);
  return { by: 'resume_call' };
}

/**
 * What the agent said of its end, if that is the last thing that the log has of the turn: it may have begun a message
 * after that.
 */
async function findResult(trx: Trx, turn: TurnRow): Promise<ResultMessage | null> {
  const last = await trx
    .selectFrom('events')
    .select(['data', 'seq'])
    .where('session_id', '=', turn.session_id)
    .where('turn_id', '=', turn.id)
    .where('kind', '=', 'sdk')
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
  const { type } = (last?.data ?? {}) as { type?: string };
  if (last === undefined || type !== 'result') return null;
  const steering = (await listSteeredInto(trx, turn)).map(({ id }) => id);
  if (steering.length === 0) return parseResult(last.data);
  const later = await trx
    .selectFrom('events')
    .select('data')
    .where('session_id', '=', turn.session_id)
    .where('seq', '>', last.seq)
    .where('turn_id', 'in', steering)
    .where('kind', '=', 'turn')
    .execute();
  const isRead = later.some(({ data }) => (data as { phase?: string }).phase === 'read');
  return isRead ? null : parseResult(last.data);
}

async function writeNote(
  trx: Trx,
  turn: TurnRow,
  { unknown, withPrompt }: { unknown: readonly LetThroughCall[]; withPrompt: boolean },
): Promise<TurnNote> {
  const id = randomUUID();
  await markTold(trx, turn.session_id, { ids: unknown.map((call) => call.id), messageId: id });
  return { id, text: noteOn(unknown), withPrompt };
}

/**
 * Calls that may have run and of which the transcript has no result. One that waits for a person has not, and of some the
 * agent was told before.
 */
async function findUnknown(
  trx: Trx,
  turn: TurnRow,
  { entries, asked }: { entries: readonly Entry[]; asked: readonly ApprovalRow[] },
): Promise<LetThroughCall[]> {
  const noted = await listCalls(trx, { sessionId: turn.session_id, turnId: turn.id });
  const answered = answeredCalls(entries);
  const waiting = new Set(asked.map(({ tool_use_id }) => tool_use_id));
  const told = await findInTranscript(
    trx,
    turn.session_id,
    noted.flatMap(({ toldIn }) => toldIn ?? []),
  );
  return noted.filter(({ id, toldIn }) => !answered.has(id) && !waiting.has(id) && !told.has(toldIn ?? ''));
}

/** As often as a turn may go on without getting further. */
const MAX_CONTINUATIONS = 3;

/** @returns false when the turn went on often enough, and came no further */
async function noteTry(trx: Trx, turn: TurnRow, entries: readonly Entry[]): Promise<boolean> {
  const said = entries.filter(({ type }) => type === 'assistant').length;
  const isFurther = said > turn.continued_after;
  const continuations = isFurther ? 1 : turn.continuations + 1;
  if (continuations > MAX_CONTINUATIONS) return false;
  await trx
    .updateTable('turns')
    .set({ continuations, continued_after: said })
    .where('id', '=', turn.id)
    .execute();
  return true;
}

const DEFERRAL = 'hook_deferred_tool';

/**
 * The entry with which the agent program itself notes that a call was put off: it then makes the call again when it
 * resumes, under the same id. Its shape is not documented; the tests of approvals fail when it changes.
 */
function deferralOf(approval: ApprovalRow, session: SessionRow, input: Record<string, unknown>) {
  return {
    type: 'attachment',
    uuid: randomUUID(),
    attachment: {
      type: DEFERRAL,
      toolUseID: approval.tool_use_id,
      toolName: approval.tool_name,
      toolInput: input,
      hookName: 'settings',
      hookEvent: 'PreToolUse',
      permissionMode: session.options.permission_mode ?? 'default',
    },
  };
}

/**
 * A call that was put off is made again by whatever process resumes the conversation next. Where that is started for
 * something else, since the turn of the call was cut off a second time, the call is closed: it may have run.
 */
export async function closeDeferredCalls(trx: Trx, session: SessionRow): Promise<void> {
  const entries = await readSinceOpenCall(trx, session.id, DEFERRAL);
  const deferred = new Set(entries.flatMap((entry) => deferredCall(entry) ?? []));
  const calls = new OpenCalls();
  for (const id of deferred) calls.set(id, {});
  for (const entry of entries) calls.observe(entry);
  const open = [...deferred].filter((id) => calls.has(id));
  await appendEntries(trx, session, entries, open.map(interruptionOf));
}

function deferredCall({ attachment }: Entry): string | null {
  const { type, toolUseID } = (attachment ?? {}) as { type?: string; toolUseID?: string };
  return type === DEFERRAL ? (toolUseID ?? null) : null;
}

function interruptionOf(toolUseId: string) {
  const content = 'The server stopped during this call: it may have run, or a part of it.';
  const result = { type: 'tool_result', tool_use_id: toolUseId, content, is_error: true };
  return { type: 'user', uuid: randomUUID(), message: { role: 'user', content: [result] } };
}
