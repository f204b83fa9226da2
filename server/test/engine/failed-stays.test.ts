import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';

describe('a session that its server cannot take over', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ config: { maxSessions: 1 } });
    // As a row does that the server does not know how to deal with.
    const { db } = server.context.database;
    await sql`
      create function refuse_claim() returns trigger language plpgsql as $$
      begin raise exception 'this session cannot be claimed'; end $$`.execute(db);
    await sql`
      create trigger refuse_claim before update of fence on sessions
      for each row when (new.title = 'refused') execute function refuse_claim()`.execute(db);
  });
  after(async () => await server[Symbol.asyncDispose]());

  /** A session that waits for the only slot; `run` gives it that. */
  const prepare = async () => {
    const other = await server.execute({ prompt: '[demo:hang]' });
    await server.event(other, ({ kind }) => kind === 'sdk');
    const id = await server.execute({ prompt: 'hello', title: 'refused' });
    return { id, run: async () => await server.client.sessions.cancel(other) };
  };
  const failuresOf = async (id: string): Promise<number> => {
    const row = server.context.database.db.selectFrom('sessions').select('failed_stays').where('id', '=', id);
    return (await row.executeTakeFirstOrThrow()).failed_stays;
  };

  it('is tried five times; then its turn ends as internal, and what comes next can be run', async () => {
    const { db } = server.context.database;
    const { id, run } = await prepare();
    // Each try comes when the claim of the one before has lapsed.
    await db.updateTable('sessions').set({ failed_stays: 4 }).where('id', '=', id).execute();
    await run();
    await server.event(id, ({ kind, data }) => kind === 'turn' && 'phase' in data && data.phase === 'ended');
    const { status, turns } = await server.client.sessions.get(id);
    assert.deepEqual([status, turns[0]?.error?.code], ['error', 'internal']);
    await server.client.sessions.update(id, { title: 'taken' });
    await server.client.sessions.messages.send(id, { prompt: 'hello' });
    assert.match(answerText(await server.ended(id)), /./);
    assert.equal(await failuresOf(id), 0);
  });

  it('keeps its turn until then, and forgets the failures when a turn has ended', async () => {
    const { id, run } = await prepare();
    await run();
    while ((await failuresOf(id)) === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await server.client.sessions.get(id)).status, 'pending');
    await server.client.sessions.update(id, { title: 'taken' });
    assert.match(answerText(await server.ended(id)), /./);
    assert.equal(await failuresOf(id), 0);
  });
});
