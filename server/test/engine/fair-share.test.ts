import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sql } from 'kysely';
import { startTestServer, type TestServer } from '../support/harness.ts';

describe('tenants on a full machine', () => {
  it("the first session of one waits for no more than a turn, however many another one's wait", async () => {
    await using server = await startTestServer({ config: { maxSessions: 2 } });
    const first = await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    const operator = server.as(first.key);
    const holderOf = async (tenant: string): Promise<TestServer> =>
      server.as((await operator.client.apiKeys.create({ name: tenant, tenant, scopes: ['admin'] })).key);
    const [busy, quiet] = [await holderOf('busy'), await holderOf('quiet')];

    const backlog: string[] = [];
    for (let n = 0; n < 60; n++) backlog.push(await busy.execute({ prompt: `hello ${n}` }));
    const single = await quiet.execute({ prompt: 'hello' });
    await quiet.ended(single);

    const { rows } = await sql<{ before: number; waiting: number }>`
      select count(*) filter (where other.started_at > mine.queued_at and other.started_at < mine.started_at)::int
          as before,
        count(*) filter (where other.started_at is null or other.started_at > mine.started_at)::int as waiting
      from turns as other, turns as mine where mine.session_id = ${single} and other.tenant_id = 'busy'
    `.execute(server.context.database.db);
    const { before = 0, waiting = 0 } = rows[0] ?? {};
    assert.ok(waiting > 40, `only ${waiting} of the others were still to begin`);
    // What the slots had claimed by the time that it came.
    assert.ok(before <= 2, `${before} sessions of the other tenant began while it waited`);
    await Promise.all(
      backlog.map(async (id) => {
        const { status, body } = await busy.request('POST', `/cancel/${id}`);
        assert.ok(status === 200 || body.code === 'session_not_running', JSON.stringify(body));
      }),
    );
  });
});
