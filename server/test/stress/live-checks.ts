import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Kysely, sql } from 'kysely';
import { type Database, QUEUE_SCHEMA } from '../../src/ground/db/database.ts';
import { DEFAULT_TENANT } from '../../src/ground/identity.ts';
import { type ApprovalRow, listApprovals } from '../../src/session/approval/store.ts';
import { type EventView, isMessage } from '../../src/session/event/event.ts';
import type { SessionRow } from '../../src/session/service.ts';
import type { TurnRow } from '../../src/session/turn/store.ts';
import { readTable } from '../support/event-source.ts';
import type { LiveSession, SentMessage } from './live-client.ts';

type Checked = {
  sent: LiveSession;
  session: SessionRow;
  turns: TurnRow[];
  events: EventView[];
  approvals: ApprovalRow[];
  /** For the messages of failures. */
  story: string;
};

/** Holds what is stored of a session that has come to rest against what was sent to it. */
export async function checkSession(
  db: Kysely<Database>,
  sent: LiveSession,
  accepted: ReadonlyMap<string, object>,
): Promise<void> {
  const session = await db
    .selectFrom('sessions')
    .selectAll()
    .where('id', '=', sent.id)
    .executeTakeFirstOrThrow();
  const turns = await listTurns(db, sent.id);
  const page = { tenantId: DEFAULT_TENANT, limit: 1000, before: null, status: null, kind: null };
  const { rows: approvals } = await listApprovals(db, { ...page, sessionId: sent.id });
  const events = await readTable(db, sent.id);
  const lines = [turns.map(describeTurn), approvals.map(describeApproval), events.map(describeEvent)];
  const story = `${sent.id}: ${lines.flat().join('\n')}`;
  const checked = { sent, session, turns, events, approvals, story };
  checkRest(checked);
  checkLog(checked);
  for (const turn of turns) checkTurn(turn, checked);
  for (const approval of approvals) checkApproval(approval, accepted, checked);
  for (const message of sent.messages) await checkMessage(message, checked);
}

function checkRest({ session, turns, sent, story }: Checked): void {
  assert.equal(session.waiting_for, null, story);
  assert.equal(session.turn_count, turns.length, story);
  assert.deepEqual(
    turns.map((turn) => turn.number),
    turns.map((_, index) => index + 1),
    story,
  );
  checkSums(session, turns, story);
  const known = new Set(sent.messages.map((message) => message.prompt));
  const prompts = turns.map((turn) => turn.prompt).filter((prompt) => known.has(prompt));
  assert.equal(new Set(prompts).size, prompts.length, `a message was accepted twice, ${story}`);
  const sentTurns = turns.filter(({ delivery }) => delivery !== 'task');
  if (!sent.isFork) assert.equal(prompts.length, sentTurns.length, `a turn that nobody sent, ${story}`);
}

/** All turns of a session, as they are stored. */
export async function listTurns(db: Kysely<Database>, sessionId: string): Promise<TurnRow[]> {
  const turns = db.selectFrom('turns').selectAll().where('session_id', '=', sessionId);
  return (await turns.orderBy('number').execute()) as TurnRow[];
}

/** A session costs what its turns cost. */
export function checkSums(session: SessionRow, turns: readonly TurnRow[], story: string): void {
  const cost = turns.reduce((sum, turn) => sum + turn.cost_usd, 0);
  assert.ok(Math.abs(session.cost_usd - cost) < 1e-9, `cost ${session.cost_usd}, turns ${cost}, ${story}`);
  for (const [kind, tokens] of Object.entries(session.usage)) {
    const sum = turns.reduce((total, turn) => total + (turn.usage[kind] ?? 0), 0);
    assert.equal(tokens, sum, `${kind}, ${story}`);
  }
}

/** The log is dense, at most one turn runs at a time, and it ends with the session's state. */
export function checkLog({ session, events, story }: Pick<Checked, 'session' | 'events' | 'story'>): void {
  assert.deepEqual(
    events.map((event) => event.seq),
    Array.from({ length: session.last_seq }, (_, index) => index + 1),
    story,
  );
  assert.equal(session.message_count, events.filter(isMessage).length, story);
  let running: number | null = null;
  for (const { kind, data } of events) {
    if (kind !== 'turn' || !['started', 'ended'].includes(data.phase)) continue;
    if (data.phase === 'started') {
      assert.equal(running, null, `turn ${data.turn} began before another had ended, ${story}`);
      running = data.turn;
    } else if (running === data.turn) running = null;
  }
  const last = events.findLast((event) => event.kind === 'session');
  assert.deepEqual([last?.data.status, last?.data.waiting_for], [session.status, null], story);
}

function checkTurn(turn: TurnRow, { sent, events, turns, story }: Checked): void {
  const where = `turn ${turn.number} of ${story}`;
  assert.ok(['completed', 'cancelled', 'error'].includes(turn.state), where);
  const phases = events.flatMap((event) =>
    event.kind === 'turn' && event.turn_id === turn.id ? [event.data.phase] : [],
  );
  const ends = turn.steered_into === null ? ['ended'] : ['steered'];
  const expected = ['queued', ...(turn.started_at === null ? [] : ['started']), ...ends];
  const edits = phases.filter((phase) => phase === 'edited');
  assert.deepEqual(withoutReturns(phases), expected.toSpliced(1, 0, ...edits), where);
  const last = events.findLast((event) => event.kind === 'turn' && event.turn_id === turn.id);
  assert.equal(last?.kind === 'turn' ? last.data.state : null, turn.state, where);
  if (turn.steered_into !== null) {
    assert.equal(turn.started_at, null, where);
    assert.ok(
      turns.some(({ id, started_at }) => id === turn.steered_into && started_at !== null),
      where,
    );
  }
  if (turn.state === 'error') checkError(turn, sent, where);
}

/** A turn that is to go on ends in no error but by what a person said, or did not. */
function checkError({ error }: TurnRow, { goesOn }: LiveSession, where: string): void {
  const isCutOff = /the server|the agent process|agent ended|claude/i.test(error?.message ?? '');
  const codes = ['interrupted', 'approval_expired', ...(goesOn ? [] : ['agent_crashed'])];
  assert.ok(codes.includes(error?.code ?? ''), where);
  if (goesOn) assert.ok(!isCutOff, `it should have gone on, ${where}`);
}

/** A message that became part of a turn, and was never read, is as if it had waited; a turn that went on as if it had not. */
function withoutReturns(phases: readonly string[]): string[] {
  const others = phases.filter((phase) => phase !== 'read' && phase !== 'continued');
  return others.flatMap((phase, n) => {
    const isReturned = phase === 'steered' && others[n + 1] === 'returned';
    return isReturned || (phase === 'returned' && others[n - 1] === 'steered') ? [] : [phase];
  });
}

function checkApproval(
  approval: ApprovalRow,
  accepted: ReadonlyMap<string, object>,
  { turns, story }: Checked,
): void {
  const where = `${describeApproval(approval)} of ${story}`;
  assert.notEqual(approval.status, 'pending', where);
  assert.ok(
    turns.some((turn) => turn.id === approval.turn_id && turn.started_at !== null),
    where,
  );
  const answer = accepted.get(approval.id);
  if (answer === undefined) return;
  assert.ok(['allowed', 'denied', 'answered'].includes(approval.status), where);
  for (const [name, value] of Object.entries(answer)) {
    const kept = (approval.answer as Record<string, unknown> | null)?.[name];
    assert.ok(name === 'result' || isDeepStrictEqual(kept, value), `${name} ${where}`);
  }
}

/** A message ran once, if its turn was completed, and never twice. */
async function checkMessage(message: SentMessage, checked: Checked): Promise<void> {
  const { turns, events, story } = checked;
  const where = `${JSON.stringify(message)} of ${story}`;
  const turn = turns.find((found) => found.prompt === message.prompt);
  if (message.turnId !== null)
    assert.ok(
      turns.some(({ id }) => id === message.turnId),
      where,
    );
  if (message.isRemoved) {
    const removed = turns.find(({ id }) => id === message.turnId);
    assert.deepEqual([removed?.state, removed?.started_at], ['cancelled', null], where);
  }
  const isUntouched = turn !== undefined && !isSteered(turn, turns);
  // Its agent was told that nobody knows what came of its calls, or that its subagent was stopped, and does not repeat them.
  const isTold = events.some(
    ({ turn_id, data }) =>
      turn_id === turn?.id &&
      'continued_by' in data &&
      (data.continued_by === 'note' || message.prompt.startsWith('delegate:')),
  );
  const isWhole = isUntouched && !isTold && turn.state === 'completed' && turn.steered_into === null;
  if (isWhole && message.answer !== null) {
    assert.ok(turn.result?.text?.includes(message.answer), `${turn.result?.text} ${where}`);
  }
  const mayHaveRun = turn !== undefined && (turn.started_at !== null || turn.steered_into !== null);
  let wasRefused = false;
  for (const mark of message.marks) {
    const calls = checked.approvals.filter(({ input }) => namesMark(input, mark));
    const runs = await countLines(join(checked.sent.cwd, mark));
    const changed = await countLines(join(checked.sent.cwd, `${mark}.changed`));
    const told = `${mark}: ${runs} runs, ${changed} of the changed call, ${calls.length} approvals, ${where}`;
    assert.ok(runs + changed <= 1, `ran twice, ${told}`);
    // What was cancelled before it ran may be asked for again, by the conversation that it is still in.
    const turnsOfCalls = calls.map(({ turn_id }) => turn_id);
    assert.equal(new Set(turnsOfCalls).size, calls.length, `asked twice, ${told}`);
    const call = calls.find(({ turn_id }) => turn_id === turn?.id) ?? calls[0];
    const isAllowed = call === undefined || call.status === 'allowed' || call.status === 'answered';
    if (!mayHaveRun || !isAllowed) assert.equal(runs + changed, 0, `ran without leave, ${told}`);
    wasRefused ||= !isAllowed;
    if (!isWhole || wasRefused || message.isInBackground) continue;
    if (call?.kind === 'client_tool') assert.equal(call.status, 'answered', told);
    else assert.equal(runs + changed, 1, `did not run, ${told}`);
    const isChanged = call?.answer !== null && 'updated_input' in (call?.answer ?? {});
    assert.equal(changed, isChanged && call?.kind === 'tool' ? 1 : 0, told);
  }
}

/** By a message to it, or to one that was stopped before: the agent program puts that behind the next prompt. */
function isSteered(turn: TurnRow, turns: readonly TurnRow[]): boolean {
  return turns.some(({ steered_into }) => {
    const into = turns.find(({ id }) => id === steered_into);
    return into !== undefined && (into.id === turn.id || into.state !== 'completed');
  });
}

function namesMark(input: Record<string, unknown>, mark: string): boolean {
  return input.mark === mark || String(input.command ?? '').endsWith(`echo ${mark} >> ${mark}`);
}

async function countLines(path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').length - 1;
}

function describeTurn(turn: TurnRow): string {
  const error = turn.error === null ? '' : ` (${turn.error.code}: ${turn.error.message})`;
  const into = turn.steered_into === null ? '' : ` into ${turn.steered_into}`;
  const at = turn.started_at?.toISOString() ?? 'never';
  return `${turn.number} ${turn.id} ${turn.delivery} ${JSON.stringify(turn.prompt)} ${turn.state}${error}${into}, started ${at}`;
}

function describeEvent({ seq, at, kind, turn_id, data }: EventView): string {
  return `${seq} ${at} ${turn_id} ${kind} ${JSON.stringify(data).slice(0, 300)}`;
}

function describeApproval({ id, turn_id, kind, input, status, answer, delivered_at }: ApprovalRow): string {
  return `${id} in ${turn_id} ${kind} ${JSON.stringify(input)} ${status} ${JSON.stringify(answer)} ${delivered_at?.toISOString()}`;
}

/** What holds up sessions that should have come to rest. */
export async function describeStuck(db: Kysely<Database>): Promise<string> {
  const { rows } = await sql<Record<string, unknown>>`
    select sessions.id, status, waiting_for, worker_id, fence, options,
      (select state from ${sql.table(`${QUEUE_SCHEMA}.job`)}
        where name = 'activation' and singleton_key = sessions.id::text and state <= 'active' limit 1) as job
    from sessions where status in ('pending', 'running') or worker_id is not null
  `.execute(db);
  const lines = await Promise.all(
    rows.map(async (row) => {
      const turns = await listTurns(db, String(row.id));
      const events = (await readTable(db, String(row.id))).slice(-15);
      return [JSON.stringify(row), ...turns.map(describeTurn), ...events.map(describeEvent)].join('\n  ');
    }),
  );
  return lines.join('\n');
}
