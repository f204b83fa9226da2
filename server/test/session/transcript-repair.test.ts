import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { returnUnread } from '../../src/engine/hold/continuation.ts';
import type { Database } from '../../src/ground/db/database.ts';
import { newSessionId } from '../../src/ground/ids.ts';
import { insertSession } from '../../src/session/store.ts';
import {
  type Entry,
  readEntries,
  readSinceOpenCall,
  repairTranscript,
} from '../../src/session/transcript/repair.ts';
import type { TurnRow } from '../../src/session/turn/store.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';

/*
 * The agent program's transcript and our log are written at different times: a killed server may leave either of them
 * behind. Each test brings one such state about, in the tables, after a turn that really ran.
 */

describe('a call that was put off', () => {
  it('is looked for from where it was noted on, and not again once it has its result', async () => {
    await using server = await startTestServer();
    const { db } = server.context.database;
    const id = newSessionId();
    const session = {
      id,
      tenantId: 'default',
      options: {},
      cwd: null,
      title: null,
      metadata: {},
      apiKeyId: null,
      maxBudgetUsd: null,
    };
    await db.transaction().execute(async (trx) => await insertSession(trx, session));
    const note = async (type: string, entry: object): Promise<void> => {
      await sql`
        insert into transcripts (session_id, tenant_id, type, entry)
        values (${id}, 'default', ${type}, ${JSON.stringify({ type, ...entry })})`.execute(db);
    };
    const putOff = async (call: string) =>
      await note('attachment', { attachment: { type: 'hook_deferred_tool', toolUseID: call } });
    const give = async (call: string) =>
      await note('user', { message: { content: [{ type: 'tool_result', tool_use_id: call }] } });
    const read = async (): Promise<Entry[]> =>
      await db.transaction().execute(async (trx) => await readSinceOpenCall(trx, id, 'hook_deferred_tool'));

    await putOff('first');
    assert.equal((await read()).length, 1);
    await note('assistant', { message: { content: [] } });
    await give('first');
    assert.deepEqual(await read(), []);
    await putOff('second');
    await note('attachment', { attachment: { type: 'environment' } });
    await give('another');
    assert.deepEqual(
      (await read()).map(({ type }) => type),
      ['attachment', 'attachment', 'user'],
    );
    await give('second');
    assert.deepEqual(await read(), []);
  });
});

describe('a message that steered a turn whose server was killed', () => {
  const phases = (events: readonly { kind: string; data: unknown }[]) =>
    events.map(({ kind, data }) => [kind, (data as { phase: string }).phase]);

  /** Takes all from the transcript that came with the message or after it. @returns the whole of it before */
  const cut = async ({ db, session, turn, message }: Steered): Promise<Entry[]> => {
    const whole = await entriesOf(db, turn);
    const heard = whole.findIndex((entry) => sourceOf(entry) === message.id);
    assert.ok(heard > 0, 'the agent program notes under which id a message came');
    const last = whole.slice(0, heard).findLast((entry) => entry.uuid !== undefined);
    await sql`
      delete from transcripts where session_id = ${session.id} and subpath = '' and id > (
        select id from transcripts
        where session_id = ${session.id} and subpath = '' and entry_uuid = ${last?.uuid}
      )`.execute(db);
    return whole;
  };
  const giveBack = async ({ db, session, turn }: Steered) =>
    await db.transaction().execute(async (trx) => await returnUnread(trx, session, turn));
  const repair = async ({ db, session, turn }: Steered): Promise<Entry[]> => {
    await db.transaction().execute(async (trx) => await repairTranscript(trx, session, turn));
    return (await entriesOf(db, turn)).filter(isSaid);
  };

  it('comes to its place in the transcript where it was only in the log', async () => {
    await using server = await startTestServer();
    const steered = await runSteered(server);
    const whole = await cut(steered);
    assert.deepEqual(await giveBack(steered), [], 'it was read');
    const repaired = await repair(steered);
    const expected = whole.filter((entry) => isSaid(entry) || sourceOf(entry) !== undefined);
    assert.deepEqual(
      repaired.map((entry) => entry.uuid),
      expected.map((entry) => sourceOf(entry) ?? entry.uuid),
    );
    const prompt = repaired.find((entry) => entry.uuid === steered.message.id);
    assert.deepEqual(prompt?.message, { role: 'user', content: 'run: echo steered' });
    assert.equal((await repair(steered)).length, repaired.length, 'nothing comes twice');
  });

  it('waits again where it was not read, and is not in the transcript', async () => {
    await using server = await startTestServer();
    const steered = await runSteered(server);
    const { db, message } = steered;
    await cut(steered);
    await sql`
      delete from events where turn_id = ${message.id} and position('"phase":"read"' in data::text) > 0`.execute(
      db,
    );
    await db.updateTable('turns').set({ read_at: null }).where('id', '=', message.id).execute();
    assert.deepEqual(phases(await giveBack(steered))[0], ['turn', 'returned']);
    assert.deepEqual(await giveBack(steered), []);
    const { state, steered_into, sent_at, message_id } = await db
      .selectFrom('turns')
      .selectAll()
      .where('id', '=', message.id)
      .executeTakeFirstOrThrow();
    assert.deepEqual([state, steered_into, sent_at], ['queued', null, null]);
    assert.notEqual(message_id, null, 'the agent ignores an id that it had');
    assert.ok((await repair(steered)).every((entry) => entry.uuid !== message.id));
  });

  it('is part of the turn where it is one entry with others that waited', async () => {
    await using server = await startTestServer();
    const { db } = server.context.database;
    const id = await server.execute({ prompt: '[demo:slow 20] count from 1 to 20' });
    await server.event(id, ({ kind }) => kind === 'sdk');
    for (const prompt of ['what is 2 + 2?', 'what is 3 + 3?'])
      await server.request('POST', `/sessions/${id}/messages`, { prompt, delivery: 'steer' });
    await server.ended(id);
    await server.context.worker.drain(0, new AbortController().signal);
    const merged = await sql<{ n: number }>`
      select count(*)::int as n from transcripts
      where session_id = ${id} and position('mergedSendUuids' in entry::text) > 0`.execute(db);
    assert.equal(merged.rows[0]?.n, 1, 'the agent program says which');
    await db.updateTable('turns').set({ read_at: null }).where('session_id', '=', id).execute();
    const session = await db
      .selectFrom('sessions')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const turns = db.selectFrom('turns').selectAll().where('session_id', '=', id).orderBy('number');
    const turn = await turns.executeTakeFirstOrThrow();
    await db
      .transaction()
      .execute(async (trx) => assert.deepEqual(await returnUnread(trx, session, turn), []));
  });

  it('is part of the turn where it is in the transcript, also ahead of the prompt', async () => {
    await using server = await startTestServer();
    const { db, session, turn, message } = await runSteered(server);
    await db.updateTable('turns').set({ read_at: null }).where('id', '=', message.id).execute();
    const look = async () =>
      await db.transaction().execute(async (trx) => await returnUnread(trx, session, turn));
    assert.deepEqual(await look(), []);
    // As if the message had been the prompt, and the turn's own had come after it.
    await sql`
      update transcripts set entry_uuid = ${message.id}, entry = jsonb_set(entry::jsonb, '{uuid}', to_jsonb(${message.id}::text))
      where session_id = ${session.id} and subpath = '' and entry_uuid = ${turn.id}`.execute(db);
    await sql`
      delete from transcripts where session_id = ${session.id} and subpath = '' and id > (
        select id from transcripts
        where session_id = ${session.id} and subpath = '' and entry_uuid = ${message.id}
      )`.execute(db);
    const prompt = JSON.stringify({ type: 'user', uuid: turn.id, message: { role: 'user', content: 'own' } });
    await sql`
      insert into transcripts (session_id, tenant_id, subpath, type, entry_uuid, entry)
      values (${session.id}, ${session.tenant_id}, '', 'user', ${turn.id}, ${prompt})`.execute(db);
    assert.deepEqual(await look(), []);
  });
});

type Steered = Awaited<ReturnType<typeof runSteered>>;

/** Two commands in one turn: its own, and that of a message that came meanwhile. */
async function runSteered(server: TestServer) {
  const { db } = server.context.database;
  const id = await server.execute({ prompt: 'run: sleep 1', allowed_tools: ['Bash'] });
  await server.event(id, (event) => JSON.stringify(event.data).includes('"tool_use"'));
  const steering = { prompt: 'run: echo steered', delivery: 'steer' };
  await server.request('POST', `/sessions/${id}/messages`, steering);
  await server.event(id, (event) => event.kind === 'turn' && event.data.phase === 'ended');
  // The transcript is complete when the agent process has ended.
  await server.context.worker.drain(0, new AbortController().signal);
  const turns = await db
    .selectFrom('turns')
    .selectAll()
    .where('session_id', '=', id)
    .orderBy('number')
    .execute();
  const session = await db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirstOrThrow();
  const [turn, message] = turns;
  assert(turn !== undefined && message !== undefined);
  assert.equal(message.steered_into, turn.id);
  return { db, session, turn, message };
}

async function entriesOf(db: Kysely<Database>, turn: TurnRow): Promise<Entry[]> {
  return await db.transaction().execute(async (trx) => await readEntries(trx, turn));
}

function isSaid({ type }: Entry): boolean {
  return type === 'assistant' || type === 'user';
}

function sourceOf({ attachment }: Entry): string | undefined {
  return (attachment as { source_uuid?: string } | undefined)?.source_uuid;
}
