import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { Pepper } from '../../src/access/api-key/pepper.ts';
import { createFirstKey, createKey, rotateKey } from '../../src/access/api-key/service.ts';
import { createContext } from '../../src/context.ts';
import { StartupError } from '../../src/ground/errors.ts';
import { NO_LIMITS, type Scope, scopes } from '../../src/ground/identity.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import {
  createDatabase,
  startTestServer,
  type TestServer,
  temporaryDirectory,
  testConfig,
} from '../support/harness.ts';
import { until } from '../support/server-process.ts';

const request = {
  tenantId: 'default',
  name: 'tests',
  scopes: ['admin'] as readonly Scope[],
  expiresAt: null,
  limits: NO_LIMITS,
  createdBy: 'tests',
};

describe('API keys', () => {
  let server: TestServer;
  let admin: TestServer;
  before(async () => {
    server = await startTestServer();
    const { status, body } = await server.request('POST', '/api-keys', {
      name: 'first',
      scopes: ['operator'],
    });
    assert.equal(status, 201, JSON.stringify(body));
    admin = server.as(body.key);
  });
  after(async () => await server[Symbol.asyncDispose]());

  const make = async (body: object): Promise<{ api_key_id: string; key: string }> => {
    const made = await admin.request('POST', '/api-keys', { name: 'a key', ...body });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    return made.body;
  };

  it('are needed from the first one on, on loopback too; what everybody may see stays open', async () => {
    const refused = await server.request('GET', '/sessions');
    assert.deepEqual([refused.status, refused.body.code], [401, 'unauthorized']);
    assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
    assert.equal((await admin.request('GET', '/sessions')).status, 200);
    for (const path of ['/', '/healthz', '/readyz', '/version', '/openapi.json']) {
      assert.equal((await server.request('GET', path)).status, 200, path);
    }
    assert.equal((await server.request('GET', '/nowhere')).status, 404);
  });

  it('open as a bearer token and as x-api-key, and not when a character of them differs', async () => {
    const { key } = await make({ scopes: ['sessions:read'] });
    const get = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${server.url}/sessions`, { headers })).status;
    assert.equal(await get({ authorization: `bearer ${key}` }), 200);
    assert.equal(await get({ 'x-api-key': key }), 200);
    for (const place of [4, 24, 25, key.length - 1]) {
      const other = key[place] === 'a' ? 'b' : 'a';
      const wrong = key.slice(0, place) + other + key.slice(place + 1);
      assert.equal(await get({ authorization: `Bearer ${wrong}` }), 401, `character ${place}`);
    }
    assert.equal(await get({ authorization: `Basic ${key}` }), 401);
    assert.equal(await get({ authorization: 'Bearer x' }), 401);
  });

  it('are stored as hashes only', async () => {
    const { key } = await make({ scopes: ['admin'] });
    const { rows } = await sql<{ text: string }>`select api_keys::text as text from api_keys`.execute(
      server.context.database.db,
    );
    const secret = key.split('_').slice(2).join('_');
    for (const { text } of rows) {
      assert.ok(!text.includes(secret) && !text.includes(Buffer.from(key).toString('hex')));
    }
    const path = join(server.context.dataDirectory.path, 'key-pepper');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.match(await readFile(path, 'utf8'), /^[\w-]{43}\n$/);
  });

  it('do what their scopes say', async () => {
    const session = await admin.execute({ prompt: 'hello' });
    await admin.ended(session);
    const reader = server.as((await make({ scopes: ['sessions:read'] })).key);
    const writer = server.as((await make({ scopes: ['sessions:write'] })).key);
    const approver = server.as((await make({ scopes: ['approvals'] })).key);
    const status = async (who: TestServer, method: string, path: string, body?: object): Promise<number> =>
      (await who.request(method, path, body)).status;
    assert.equal(await status(reader, 'GET', `/sessions/${session}`), 200);
    assert.equal(await status(reader, 'POST', '/execute/', { prompt: 'hello' }), 403);
    assert.equal(await status(writer, 'GET', `/sessions/${session}`), 403);
    assert.equal(await status(writer, 'PATCH', `/sessions/${session}`, { title: 'x' }), 200);
    assert.equal(await status(writer, 'POST', `/approvals/${session}`, { decision: 'allow' }), 403);
    assert.equal(await status(approver, 'POST', `/approvals/${session}`, { decision: 'allow' }), 404);
    for (const who of [reader, writer, approver]) assert.equal(await status(who, 'GET', '/api-keys'), 403);
  });

  it('give no scope that they lack, and no key to another tenant, unless they are an operator', async () => {
    const tenantAdmin = server.as((await make({ scopes: ['admin'], tenant: 'acme' })).key);
    const attempt = async (body: object): Promise<number> =>
      (await tenantAdmin.request('POST', '/api-keys', { name: 'x', ...body })).status;
    assert.equal(await attempt({ scopes: ['operator'] }), 403);
    assert.equal(await attempt({ scopes: ['admin'], tenant: 'default' }), 403);
    assert.equal(await attempt({ scopes: ['admin'], tenant: 'acme' }), 201);
    assert.equal((await tenantAdmin.request('GET', '/api-keys?tenant=default')).status, 403);
    const own = (await tenantAdmin.request('GET', '/api-keys')).body.api_keys;
    assert.deepEqual(
      own.map(({ tenant }: { tenant: string }) => tenant),
      ['acme', 'acme'],
    );
    const seen = (await admin.request('GET', '/api-keys?tenant=acme&limit=1')).body;
    assert.equal(seen.api_keys.length, 1);
    const rest = (await admin.request('GET', `/api-keys?tenant=acme&cursor=${seen.next}`)).body;
    assert.deepEqual([rest.api_keys.length, rest.next], [1, null]);
    const other = await make({ scopes: ['admin'] });
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'mine' }],
      ['POST', '/rotate', {}],
      ['DELETE', '', undefined],
    ] as const) {
      const answer = await tenantAdmin.request(method, `/api-keys/${other.api_key_id}${path}`, body);
      assert.equal(answer.status, 404, method);
    }
    assert.equal((await server.as(other.key).request('GET', '/sessions')).status, 200);
  });

  it('are made, changed, rotated, revoked and given budgets by nobody who may do less than they may', async () => {
    const holders = new Map<Scope, TestServer>();
    for (const scope of scopes) holders.set(scope, server.as((await make({ scopes: [scope] })).key));
    // What each may manage: every key of the tenant, but for the operators' where it is none.
    const mayManage = (holder: Scope, target: Scope): boolean =>
      holder === 'operator' || (holder === 'admin' && target !== 'operator');
    const budget = '/budgets/api-keys/:id/day';
    const verbs: [method: string, path: string, body?: object][] = [
      ['PATCH', '/api-keys/:id', { name: 'renamed' }],
      ['PATCH', '/api-keys/:id', { expires_at: '2020-01-01T00:00:00Z' }],
      ['PATCH', '/api-keys/:id', { expires_at: null }],
      ['PATCH', '/api-keys/:id', { requests_per_second: 100, max_active_sessions: 1, max_queued_turns: 1 }],
      ['PATCH', '/api-keys/:id', {}],
      ['PUT', budget, { limit_usd: 0 }],
      ['DELETE', budget],
      ['POST', '/api-keys/:id/rotate', { keep_previous_s: 0 }],
      ['DELETE', '/api-keys/:id'],
    ];
    for (const [scope, holder] of holders) {
      for (const target of scopes) {
        const key = await make({ scopes: [target] });
        await admin.request('PUT', budget.replace(':id', key.api_key_id), { limit_usd: 1 });
        const before = (await admin.request('GET', `/api-keys/${key.api_key_id}`)).body;
        const allowed = mayManage(scope, target);
        const made = await holder.request('POST', '/api-keys', { name: 'made', scopes: [target] });
        assert.equal(made.status, allowed ? 201 : 403, `${scope} makes ${target}`);
        for (const [method, path, body] of verbs) {
          const answer = await holder.request(method, path.replace(':id', key.api_key_id), body);
          const what = `${scope}: ${method} ${path} ${JSON.stringify(body)} of ${target}`;
          assert.equal(answer.status, allowed ? 200 : 403, what);
        }
        if (allowed) continue;
        const after = (await admin.request('GET', `/api-keys/${key.api_key_id}`)).body;
        assert.deepEqual({ ...after, last_used_at: null }, { ...before, last_used_at: null });
        assert.notEqual((await server.as(key.key).request('GET', '/sessions')).status, 401);
      }
    }
  });

  it('have two secrets for a while after a rotation, then one', async () => {
    const first = await make({ scopes: ['sessions:read'] });
    const rotate = async (body: object) =>
      (await admin.request('POST', `/api-keys/${first.api_key_id}/rotate`, body)).body;
    const second = await rotate({});
    assert.equal(second.api_key_id, first.api_key_id);
    const status = async (key: string): Promise<number> =>
      (await server.as(key).request('GET', '/sessions')).status;
    assert.deepEqual([await status(first.key), await status(second.key)], [200, 200]);
    const third = await rotate({ keep_previous_s: 0 });
    const all = [first, second, third].map(async ({ key }) => await status(key));
    assert.deepEqual(await Promise.all(all), [401, 401, 200]);
  });

  it('open nothing once they have expired or were revoked', async () => {
    const key = await make({
      scopes: ['sessions:read'],
      expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const holder = server.as(key.key);
    assert.equal((await holder.request('GET', '/sessions')).status, 200);
    const past = await admin.request('POST', '/api-keys', {
      name: 'late',
      scopes: ['admin'],
      expires_at: '2020-01-01T00:00:00Z',
    });
    assert.equal(past.status, 422);
    await admin.request('PATCH', `/api-keys/${key.api_key_id}`, { expires_at: '2020-01-01T00:00:00Z' });
    assert.equal((await holder.request('GET', '/sessions')).status, 401);
    assert.match((await holder.request('GET', '/sessions')).body.detail, /expired/);
    await admin.request('PATCH', `/api-keys/${key.api_key_id}`, { expires_at: null });
    assert.equal((await holder.request('GET', '/sessions')).status, 200);
    const revoked = await admin.request('DELETE', `/api-keys/${key.api_key_id}`);
    assert.ok(revoked.body.revoked_at);
    assert.equal((await holder.request('GET', '/sessions')).status, 401);
    const rotated = await admin.request('POST', `/api-keys/${key.api_key_id}/rotate`, {});
    assert.deepEqual([rotated.status, rotated.body.code], [409, 'key_revoked']);
  });

  it('end their open streams within 5 s of being revoked, also when no signal tells of it', async () => {
    const key = await make({ scopes: ['sessions:read', 'sessions:write'] });
    const id = await server.as(key.key).execute({ prompt: '[demo:hang]' });
    const headers = { authorization: `Bearer ${key.key}`, accept: 'text/event-stream' };
    const streams = await Promise.all(
      ['/events', `/sessions/${id}/events`].map(async (path) => await fetch(server.url + path, { headers })),
    );
    const ended = streams.map(async (stream) => {
      assert.equal(stream.status, 200);
      for await (const _ of stream.body ?? []);
    });
    const startedAt = performance.now();
    await sql`update api_keys set revoked_at = now() where id = ${key.api_key_id}`.execute(
      server.context.database.db,
    );
    await Promise.all(ended);
    assert.ok(performance.now() - startedAt < 5_000);
    await admin.request('POST', `/cancel/${id}`);
  });

  it('have a rate, past which the answer is 429 with Retry-After', async () => {
    const { key } = await make({ scopes: ['sessions:read'], requests_per_second: 0.02 });
    const holder = server.as(key);
    assert.equal((await holder.request('GET', '/sessions')).status, 200);
    const refused = await holder.request('GET', '/sessions');
    assert.deepEqual([refused.status, refused.body.code], [429, 'rate_limited']);
    const seconds = Number(refused.headers.get('retry-after'));
    assert.ok(seconds > 0 && seconds <= 50, String(seconds));
    assert.equal((await admin.request('GET', '/sessions')).status, 200);
  });

  it('have at most so many sessions at work and turns that wait, however many are asked for at once', async () => {
    const { key } = await make({
      scopes: ['sessions:read', 'sessions:write'],
      max_active_sessions: 2,
      max_queued_turns: 3,
    });
    const holder = server.as(key);
    const tries = await Promise.all(
      Array.from(
        { length: 6 },
        async () => await holder.request('POST', '/execute/', { prompt: '[demo:hang]' }),
      ),
    );
    const ids = tries.filter(({ status }) => status === 200).map(({ body }) => body.session_id);
    assert.equal(ids.length, 2);
    for (const id of ids)
      await holder.event(id, (event) => event.kind === 'turn' && event.data.phase === 'started');
    const send = async () =>
      await holder.request('POST', `/sessions/${ids[0]}/messages`, { prompt: 'more', delivery: 'queue' });
    const sent = await Promise.all(Array.from({ length: 5 }, send));
    assert.deepEqual(sent.map(({ status }) => status).toSorted(), [202, 202, 202, 429, 429]);
    assert.equal(sent.find(({ status }) => status === 429)?.headers.get('retry-after'), '5');
    assert.equal((await admin.request('POST', '/execute/', { prompt: 'hello' })).status, 200);
    for (const id of ids) await holder.request('POST', `/cancel/${id}`);
    assert.equal((await holder.request('POST', '/execute/', { prompt: 'hello' })).status, 200);
  });

  it('are named by what they asked for', async () => {
    const key = await make({ scopes: ['sessions:read', 'sessions:write'] });
    const holder = server.as(key.key);
    const id = await holder.execute({ prompt: 'hello' });
    await holder.ended(id);
    await admin.client.sessions.messages.send(id, { prompt: 'more' });
    const { session_id: fork } = await holder.client.sessions.fork(id);
    assert.equal((await admin.client.sessions.get(id)).api_key_id, key.api_key_id);
    const { rows } = await sql<{ name: string }>`
      select name from sessions join api_keys on api_keys.id = api_key_id where sessions.id in (${id}, ${fork})
      union all
      (select name from turns join api_keys on api_keys.id = api_key_id where session_id = ${id} order by number)
    `.execute(server.context.database.db);
    assert.deepEqual(
      rows.map(({ name }) => name),
      ['a key', 'a key', 'a key', 'first'],
    );
  });
});

describe('API keys of several servers', () => {
  it('open and shut on all of them', async () => {
    await using database = await createDatabase();
    const config = { keyPepper: 'the same pepper on every server of it' };
    await using one = await startTestServer({ databaseUrl: database.url, config });
    await using two = await startTestServer({ databaseUrl: database.url, config });
    const first = await one.client.apiKeys.create({ name: 'first', scopes: ['admin'] });
    const { apiKeys } = one.as(first.key).client;
    assert.equal((await two.as(first.key).request('GET', '/sessions')).status, 200);
    assert.equal((await two.request('GET', '/sessions')).status, 401);
    const key = await apiKeys.create({ name: 'second', scopes: ['sessions:read'] });
    const statusOf = async (secret: string): Promise<number> =>
      (await two.as(secret).request('GET', '/sessions')).status;
    assert.equal(await statusOf(key.key), 200);
    const rotated = await apiKeys.rotate(key.api_key_id, { keep_previous_s: 0 });
    assert.equal(await statusOf(rotated.key), 200);
    await until('the old secret opens nothing', async () => (await statusOf(key.key)) === 401, 5_000);
    await apiKeys.revoke(key.api_key_id);
    await until('the key opens nothing', async () => (await statusOf(rotated.key)) === 401, 5_000);
  });
});

describe('the last use of an API key', () => {
  it('is written by the time that the server has stopped', async () => {
    await using database = await createDatabase();
    const findLastUse = async (server: TestServer): Promise<Date | null> => {
      const { rows } = await sql<{ at: Date | null }>`select last_used_at as at from api_keys`.execute(
        server.context.database.db,
      );
      return rows[0]?.at ?? null;
    };
    await using directory = await temporaryDirectory();
    const options = { databaseUrl: database.url, dataDir: directory.path };
    {
      await using server = await startTestServer(options);
      const { secret } = await createKey(server.context.apiKeys, request);
      assert.equal(await findLastUse(server), null);
      assert.equal((await server.as(secret).request('GET', '/sessions')).status, 200);
    }
    await using server = await startTestServer(options);
    assert.ok((await findLastUse(server)) instanceof Date);
  });
});

describe('the pepper of API keys', () => {
  it('must be the same on every server of a database: another one does not start', async () => {
    await using database = await createDatabase();
    const parts = { logger: createSilentLogger(), agentPath: '/usr/bin:/bin' };
    const start = async (dataDir: string, keyPepper: string | null) =>
      await createContext(testConfig({ dataDir, databaseUrl: database.url, keyPepper }), parts);
    await using first = await temporaryDirectory();
    await using second = await temporaryDirectory();
    {
      await using context = await start(first.path, null);
      await createKey(context.apiKeys, request);
    }
    const isRefusal = (error: unknown): boolean =>
      error instanceof StartupError &&
      /pepper/.test(error.message) &&
      /GREENROOM_KEY_PEPPER/.test(error.hint ?? '');
    await assert.rejects(start(second.path, null), isRefusal);
    await assert.rejects(start(second.path, 'x'.repeat(40)), isRefusal);
    const pepper = (await readFile(join(first.path, 'key-pepper'), 'utf8')).trim();
    await using again = await start(second.path, pepper);
    assert.ok(again.keys.hasKeys);
  });

  it('is made once, by whoever comes first', async () => {
    await using directory = await temporaryDirectory();
    const peppers = [1, 2].map(() => new Pepper({ configured: null, directory: directory.path }));
    assert.deepEqual(
      peppers.map((pepper) => pepper.find()),
      [null, null],
    );
    const [one, two] = peppers.map((pepper) => pepper.findOrMake());
    assert.deepEqual(one, two);
  });
});

describe('a server that others can reach', () => {
  it('lets nobody in without a key, and has one for its first start', async () => {
    await using server = await startTestServer({ config: { trustProxy: ['127.0.0.1'] } });
    assert.equal((await server.request('GET', '/sessions')).status, 401, 'behind a proxy');
    await using wide = await startTestServer({ config: { host: '0.0.0.0' } });
    assert.equal((await wide.request('GET', '/sessions')).status, 401, 'bound to every address');
    const { apiKeys } = server.context;
    const made = (await Promise.all([1, 2, 3].map(async () => await createFirstKey(apiKeys)))).filter(
      Boolean,
    );
    assert.equal(made.length, 1);
    const operator = server.as(made[0]?.secret ?? assert.fail());
    assert.equal((await operator.request('GET', '/api-keys')).status, 200);
    const rotated = await rotateKey(apiKeys, { tenantId: null, id: made[0]?.key.id ?? '' }, { keepMs: 0 });
    assert.equal(await createFirstKey(apiKeys), null);
    assert.equal((await server.as(rotated.secret).request('GET', '/api-keys')).status, 200);
  });
});
