import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';

const MASK = '********';
const weather = { type: 'http', url: 'http://127.0.0.1:1/', headers: { authorization: 'Bearer secret-1' } };
const files = { type: 'stdio', command: 'true', args: ['a'], env: { TOKEN: 'secret-2' } };
const options = { env: { PASSWORD: 'secret-3', OTHER: 'secret-4' }, mcp_servers: { weather, files } };
const masked = {
  env: { PASSWORD: MASK, OTHER: MASK },
  mcp_servers: {
    weather: { ...weather, headers: { authorization: MASK } },
    files: { ...files, env: { TOKEN: MASK } },
  },
};

describe('values of variables and headers', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ config: { mcpStdio: true } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  const start = async (): Promise<string> => {
    const id = await server.execute({ prompt: 'hello', ...options });
    await server.ended(id);
    return id;
  };
  const stored = async (id: string) => {
    const { db } = server.context.database;
    return (await db.selectFrom('sessions').select('options').where('id', '=', id).executeTakeFirstOrThrow())
      .options;
  };
  const path = (id: string, rest = ''): string => `/sessions/${id}${rest}`;

  it('are shown to nobody, wherever a session is shown', async () => {
    const id = await start();
    const answers = [
      await server.request('GET', path(id)),
      await server.request('PATCH', path(id), { title: 'mine' }),
      await server.request('POST', path(id, '/fork'), {}),
    ];
    for (const { status, body } of answers) {
      assert.ok(status < 300, JSON.stringify(body));
      assert.deepEqual(body.options, masked);
    }
    const pages = ['/events?limit=1000', '/turns', '/messages', '/tasks'].map((rest) => path(id, rest));
    for (const page of [...pages, '/sessions', `/status/${id}`, '/audit', '/approvals', '/usage']) {
      const { status, body } = await server.request('GET', page);
      assert.equal(status, 200, page);
      assert.doesNotMatch(JSON.stringify(body), /secret-\d/, page);
    }
    const names = await server.execute({
      prompt: 'run: echo $PASSWORD',
      allowed_tools: ['Bash'],
      ...options,
    });
    assert.match(answerText(await server.ended(names)), /secret-3/, 'the agent has them');
  });

  it('stay as they are where a change sends back what it saw', async () => {
    const id = await start();
    const changed = { env: { PASSWORD: MASK, NEW: 'x' }, mcp_servers: masked.mcp_servers };
    assert.equal((await server.request('PATCH', path(id), changed)).status, 200);
    assert.deepEqual(await stored(id), {
      env: { PASSWORD: 'secret-3', NEW: 'x' },
      mcp_servers: { weather, files },
    });
    const again = {
      resume_session_id: id,
      prompt: 'hello',
      mcp_servers: { weather: masked.mcp_servers.weather },
    };
    const fork = await server.execute({ ...again, fork_session: true });
    await server.execute(again);
    await server.ended(id);
    await server.ended(fork);
    for (const session of [id, fork]) assert.deepEqual((await stored(session)).mcp_servers, { weather });
  });

  it('go to no other server than the one that they were given for', async () => {
    const id = await start();
    const elsewhere = [
      { weather: { ...masked.mcp_servers.weather, url: 'http://127.0.0.1:2/' } },
      { weather: { ...masked.mcp_servers.weather, type: 'sse' } },
      { other: masked.mcp_servers.weather },
      { files: { ...masked.mcp_servers.files, args: ['b'] } },
    ];
    for (const mcp_servers of elsewhere) {
      const { status, body } = await server.request('PATCH', path(id), { mcp_servers });
      assert.equal(status, 422, JSON.stringify(mcp_servers));
      assert.match(body.errors[0].field, /^mcp_servers\.\w+\.(headers|env)\.\w+$/);
      assert.match(body.errors[0].message, /none here to keep/);
    }
    assert.deepEqual(await stored(id), options);
  });

  it('are asked for where a mask stands for none', async () => {
    const answer = await server.request('POST', '/execute/', { prompt: 'hi', env: { PASSWORD: MASK } });
    assert.deepEqual([answer.status, answer.body.errors[0].field], [422, 'env.PASSWORD']);
    const id = await start();
    const other = await server.request('PATCH', path(id), { env: { UNKNOWN: MASK } });
    assert.deepEqual([other.status, other.body.errors[0].field], [422, 'env.UNKNOWN']);
  });
});
