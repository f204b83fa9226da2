import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { QUEUE_SCHEMA } from '../../src/ground/db/database.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

describe('a worker with fewer slots than sessions', () => {
  it('completes 30 sessions started at once on 8 slots, with never more than 8 agent processes alive', async () => {
    await using server = await startTestServer({ config: { maxSessions: 8 } });
    await using sampler = sampleAgentProcesses(server);
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, n) => server.execute({ prompt: `hello ${n}` })),
    );
    const places = await Promise.all(ids.map(async (id) => (await server.client.sessions.get(id)).queue));
    assert.ok(
      places.some((place) => place?.reason === 'all_slots_in_use'),
      'those that wait say why',
    );
    const statuses = await Promise.all(ids.map(async (id) => (await server.ended(id)).status));
    assert.deepEqual(new Set(statuses), new Set(['completed']));
    const alive = sampler.most;
    assert.ok(alive <= 8 && alive > 1, `${alive} agent processes were alive at once`);
  });

  it('says what a turn cost whose server died, also when all that waits behind it is cancelled', async () => {
    await using server = await startTestServer({ config: { maxSessions: 1 } });
    const { db } = server.context.database;
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    await server.context.worker.released(id);
    const before = await server.client.sessions.get(id);
    // What a server leaves that dies between the cancellation of a turn and its end.
    await db
      .updateTable('turns')
      .set({ is_accounted: false, cost_usd: 0 })
      .where('session_id', '=', id)
      .execute();
    const other = await server.execute({ prompt: '[demo:hang]' });
    await server.event(other, (event) => event.kind === 'sdk');
    await server.request('POST', `/sessions/${id}/messages`, { prompt: 'hello' });
    await server.request('POST', `/cancel/${id}`);
    await server.request('POST', `/cancel/${other}`);
    await until('the turn is accounted for', async () => {
      const { turns, cost_usd } = await server.client.sessions.get(id);
      return turns[0]?.cost_usd === before.cost_usd && cost_usd === before.cost_usd;
    });
  });

  it('keeps no idle session while it is full: a waiting one gets the slot', async () => {
    await using server = await startTestServer({ config: { maxSessions: 1, idleTtl: 3_600_000 } });
    const first = await server.execute({ prompt: 'hello' });
    const second = await server.execute({ prompt: 'hello' });
    assert.equal((await server.ended(first)).status, 'completed');
    assert.equal((await server.ended(second)).status, 'completed');
  });

  it('lets nobody wait for a session that only waits for a person', async () => {
    await using server = await startTestServer({ config: { maxSessions: 1 } });
    const asking = await server.execute({ prompt: 'run: echo yes > marker', approvals: 'ask' });
    const asked = await server.event(asking, (event) => event.kind === 'approval');
    const other = await server.execute({ prompt: 'hello' });
    assert.equal((await server.ended(other)).status, 'completed');
    const { approval } = asked.data as { approval: { approval_id: string } };
    await server.request('POST', `/approvals/${approval.approval_id}`, { decision: 'allow' });
    assert.equal((await server.ended(asking)).status, 'completed');
  });

  it('releases an idle session after its time, process and all', async () => {
    await using server = await startTestServer({ config: { idleTtl: 1 } });
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    while (server.context.worker.sessions.length > 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await countAgentProcesses(server), 0);
  });

  it('takes a session again at once whose last stay is still being put in order', async () => {
    await using server = await startTestServer({ config: { idleTtl: 0 } });
    const { pool } = server.context.database;
    // Its snapshot takes longer than the next turn needs to come.
    const command = 'head -c 25M /dev/urandom > random';
    const id = await server.execute({ prompt: `run: ${command}`, allowed_tools: ['Bash'] });
    await server.ended(id);
    const isHeld = async () => {
      const { rows } = await pool.query('select from sessions where id = $1 and job_id is not null', [id]);
      return rows.length > 0;
    };
    while (await isHeld());
    assert.deepEqual(server.context.worker.sessions, [{ id, state: 'releasing' }]);
    await server.execute({ prompt: 'hello', resume_session_id: id });
    assert.equal((await server.ended(id)).status, 'completed');
    const { rows } = await pool.query(
      `select retry_count from ${QUEUE_SCHEMA}.job where singleton_key = $1`,
      [id],
    );
    assert.deepEqual(rows, [{ retry_count: 0 }, { retry_count: 0 }]);
  });

  it('shows the place in the queue, and a cancelled session leaves it', async () => {
    await using server = await startTestServer({ config: { maxSessions: 1 } });
    const running = await server.execute({ prompt: '[demo:hang]' });
    await server.event(running, (event) => event.kind === 'sdk');
    const [first, second] = [
      await server.execute({ prompt: 'hello' }),
      await server.execute({ prompt: 'hello' }),
    ];
    const place = async (id: string): Promise<number | undefined> =>
      (await server.client.sessions.get(id)).queue?.position;
    assert.deepEqual([await place(first), await place(second)], [1, 2]);
    await server.client.sessions.cancel(first);
    assert.equal((await server.client.sessions.get(first)).status, 'cancelled');
    assert.equal(await place(second), 1);
    await server.client.sessions.cancel(running);
    assert.equal((await server.ended(second)).status, 'completed');
  });
});

/** Looks again and again, until it is disposed of, how many agent processes there are. */
function sampleAgentProcesses(server: TestServer): {
  readonly most: number;
  [Symbol.asyncDispose](): Promise<void>;
} {
  let most = 0;
  let isDone = false;
  const sampling = (async () => {
    while (!isDone) {
      most = Math.max(most, await countAgentProcesses(server));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    get most() {
      return most;
    },
    [Symbol.asyncDispose]: async () => {
      isDone = true;
      await sampling;
    },
  };
}

async function countAgentProcesses({ context }: TestServer): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [command, environment] = await Promise.all(
        ['cmdline', 'environ'].map(
          async (file) => await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''),
        ),
      );
      return /^[^\0]*\/claude\0/.test(command ?? '') && environment?.includes(context.dataDirectory.mark);
    }),
  );
  return found.filter(Boolean).length;
}
