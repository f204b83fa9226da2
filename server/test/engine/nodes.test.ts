import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { answerText, createDatabase, startTestServer, temporaryDirectory } from '../support/harness.ts';
import { type ServerProcess, startServerProcess, until } from '../support/server-process.ts';

describe('several servers on one database', () => {
  let database: Awaited<ReturnType<typeof createDatabase>>;
  before(async () => {
    database = await createDatabase();
  });
  after(async () => await database[Symbol.asyncDispose]());

  it('resumes a session on another machine, with an empty home', async () => {
    let id: string;
    {
      await using first = await startTestServer({ databaseUrl: database.url });
      id = await first.execute({ prompt: 'My name is Margaret.' });
      await first.ended(id);
    }
    await using second = await startTestServer({ databaseUrl: database.url });
    await second.execute({ prompt: 'What is my name?', resume_session_id: id });
    assert.match(answerText(await second.ended(id)), /Margaret/);
  });

  it('shows on every server what happens on any, and cancels across them', async () => {
    await using worker = await startTestServer({ databaseUrl: database.url });
    await using other = await startTestServer({ databaseUrl: database.url, config: { maxSessions: 1 } });
    const ids = await Promise.all([1, 2, 3].map(async () => await other.execute({ prompt: '[demo:hang]' })));
    for (const id of ids) await other.event(id, (event) => event.kind === 'sdk');
    assert.ok(worker.context.worker.sessions.length >= 2, 'the work is shared');
    for (const id of ids) assert.equal((await worker.request('POST', `/cancel/${id}`)).status, 200);
    for (const id of ids) assert.equal((await other.ended(id)).status, 'cancelled');
  });

  it('shows on every server what a reader noted on any', async () => {
    await using one = await startTestServer({ databaseUrl: database.url });
    await using other = await startTestServer({ databaseUrl: database.url });
    const id = await one.execute({ prompt: 'hello' });
    await one.ended(id);
    const signal = AbortSignal.timeout(60_000);
    for await (const event of other.client.events({ signal })) {
      if (event.kind === 'ready') await one.client.sessions.mark(id, { pinned: true });
      if (event.kind === 'summary' && event.session_id === id && event.data.pinned) return;
    }
    assert.fail('the other server never told');
  });

  it('takes over the sessions of a machine that died, once its claims have lapsed', async () => {
    await using directories = new AsyncDisposableStack();
    const start = async (): Promise<ServerProcess> => {
      const { path: dataDir } = directories.use(await temporaryDirectory());
      return await startServerProcess({ dataDir, env: { DATABASE_URL: database.url } });
    };
    const first = await start();
    const id = await first.execute({ prompt: '[demo:hang]', on_interruption: 'end' });
    await until(
      'it runs',
      async () => (await first.request('GET', `/status/${id}`)).body.status === 'running',
    );
    await using second = await start();
    first.kill('SIGKILL');
    await first.exited;
    await until(
      'the other server has ended the turn',
      async () => (await second.request('GET', `/status/${id}`)).body.status === 'error',
      25_000,
    );
    const { body } = await second.request('GET', `/sessions/${id}`);
    assert.equal(body.turns[0].error.code, 'interrupted');
    await second.execute({ prompt: 'hello', resume_session_id: id });
    await until(
      'it goes on there',
      async () => (await second.request('GET', `/status/${id}`)).body.status === 'completed',
    );
  });
});
