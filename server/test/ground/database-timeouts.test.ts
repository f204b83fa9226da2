import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

describe('a statement that takes too long', () => {
  let server: TestServer;
  before(async () => {
    const databaseTimeouts = { lock_timeout: 200, statement_timeout: 1_000 };
    server = await startTestServer({ parts: { databaseTimeouts } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  /** While `work` runs, nobody else can change the session. */
  const holding = async (id: string, work: () => Promise<void>): Promise<void> =>
    await server.context.database.db.transaction().execute(async (holder) => {
      await holder.selectFrom('sessions').select('id').where('id', '=', id).forUpdate().execute();
      await work();
    });

  it('for it waits for a lock, is given up: the request says so and can be repeated', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const rename = async () => await server.request('PATCH', `/sessions/${id}`, { title: 'new' });
    await holding(id, async () => {
      const { status, body, headers } = await rename();
      assert.deepEqual([status, body.code], [503, 'database_unavailable']);
      assert.match(body.detail, /held for long what this request needs/);
      assert.ok(Number(headers.get('retry-after')) > 0);
    });
    assert.equal((await rename()).status, 200);
  });

  it('is told as such: it was given up', async () => {
    await sql`create function slow() returns trigger as $$ begin perform pg_sleep(2); return new; end $$ language plpgsql`.execute(
      server.context.database.db,
    );
    await sql`create trigger slow before insert on presets for each row execute function slow()`.execute(
      server.context.database.db,
    );
    const { status, body } = await server.request('POST', '/presets', { name: 'slow', options: {} });
    assert.deepEqual([status, body.code], [503, 'database_unavailable']);
    assert.match(body.detail, /took too long, or was cancelled/);
  });

  it('ends no turn: an agent that waits for a lock waits on', async () => {
    const id = await server.execute({ prompt: 'run: echo yes > marker', approvals: 'ask' });
    const asked = await server.event(id, (event) => event.kind === 'approval');
    const { approval } = asked.data as { approval: { approval_id: string } };
    const { db } = server.context.database;
    await server.request('POST', `/approvals/${approval.approval_id}`, { decision: 'allow' });
    await holding(id, async () => {
      const { rows } = await sql<{ at: Date }>`select clock_timestamp() as at`.execute(db);
      await until('somebody has waited for twice the time', async () => {
        const { rows: waited } = await sql`
          select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()
            and clock_timestamp() > ${rows[0]?.at}::timestamptz + interval '500 milliseconds'`.execute(db);
        return waited.length > 0;
      });
    });
    assert.match(answerText(await server.ended(id)), /I ran/);
  });

  it('is not one that deletes: there may be much', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    await sql`create function slowly() returns trigger as $$ begin perform pg_sleep(1.5); return old; end $$ language plpgsql`.execute(
      server.context.database.db,
    );
    await sql`create trigger slowly before delete on sessions for each row execute function slowly()`.execute(
      server.context.database.db,
    );
    assert.equal((await server.request('DELETE', `/sessions/${id}`)).status, 200);
  });
});
