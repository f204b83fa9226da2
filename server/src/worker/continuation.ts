/**
 * What becomes of a turn that was running when its agent process ended: because the server died, or because the turn
 * was parked while it waited for a person.
 */
import { randomUUID } from 'node:crypto';
import type { Transaction } from 'kysely';
import { type ApprovalRow, listUndelivered } from '../approval/store.ts';
import type { Database } from '../db/database.ts';
import type { StoredEvent } from '../event/event.ts';
import { steerTurn } from '../session/lifecycle.ts';
import type { SessionRow } from '../session/store.ts';
import { listQueuedTurns, type TurnRow } from '../turn/store.ts';
import { OpenCalls } from './open-calls.ts';
import {
  appendEntries,
  dropLastWords,
  type Entry,
  findKnown,
  readEntries,
  repairTranscript,
} from './transcript-repair.ts';

/**
 * - send: the agent has never heard of the prompt.
 * - resume_call: one call waits, and is made again under its own id: its answer is there by now.
 * - rerun: the agent asks the model again, from the last complete step on; a call that equals one that was decided
 *   takes that decision.
 */
export type Continuation = 'send' | 'resume_call' | 'rerun';

type Trx = Transaction<Database>;

function openCallsOf(entries: readonly Entry[]): OpenCalls {
  const calls = new OpenCalls();
  for (const entry of entries) calls.observe(entry);
  return calls;
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
 * Messages that the agent had taken into the turn when it ended, without our having noted it: the transcript tells. They
 * are part of the turn, and are not sent again.
 */
export async function foldHeard(trx: Trx, session: SessionRow, turn: TurnRow): Promise<StoredEvent[]> {
  const waiting = (await listQueuedTurns(trx, session.id)).filter(({ delivery }) => delivery === 'steer');
  if (waiting.length === 0) return [];
  const entries = await readEntries(trx, turn);
  const heard = await findKnown(trx, turn, { entries, ids: waiting.map(({ id }) => id) });
  const events: StoredEvent[] = [];
  for (const message of waiting.filter(({ id }) => heard.has(id))) {
    events.push(...(await steerTurn(trx, session, { turn: message, into: turn })));
  }
  return events;
}

/** Decides how the turn goes on, and prepares the transcript for it. */
export async function prepareContinuation(
  trx: Trx,
  session: SessionRow,
  turn: TurnRow,
): Promise<Continuation> {
  await repairTranscript(trx, session, turn);
  const entries = await readEntries(trx, turn);
  const hasPrompt = entries.some((entry) => entry.uuid === turn.id);
  const calls = openCallsOf(entries);
  const asked = (await listUndelivered(trx, turn.id)).filter((approval) => calls.has(approval.tool_use_id));
  if (!hasPrompt && asked.length === 0) return 'send';
  const [only] = asked;
  // A call is made again before the agent is connected to its MCP servers.
  const isOfServer = only?.tool_name.startsWith('mcp__');
  if (only === undefined || isOfServer || asked.length > 1 || calls.size > 1) {
    // After a last word of the model the agent program would think that the turn had ended.
    if (calls.size === 0) await dropLastWords(trx, turn, entries);
    return 'rerun';
  }
  const deferral = deferralOf(only, session, calls.get(only.tool_use_id) ?? only.input);
  await appendEntries(trx, session, entries, [deferral]);
  return 'resume_call';
}

/**
 * The entry with which the agent program itself notes that a call was put off: it then makes the call again when it
 * resumes, under the same id. Its shape is not documented; the tests of approvals fail when it changes.
 */
function deferralOf(approval: ApprovalRow, session: SessionRow, input: Record<string, unknown>) {
  return {
    type: 'attachment',
    uuid: randomUUID(),
    attachment: {
      type: 'hook_deferred_tool',
      toolUseID: approval.tool_use_id,
      toolName: approval.tool_name,
      toolInput: input,
      hookName: 'settings',
      hookEvent: 'PreToolUse',
      permissionMode: session.options.permission_mode ?? 'default',
    },
  };
}
