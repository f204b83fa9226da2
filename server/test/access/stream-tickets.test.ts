import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createKey, revokeKey } from '../../src/access/api-key/service.ts';
import type { Scope } from '../../src/ground/identity.ts';
import { NO_LIMITS } from '../../src/ground/identity.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

describe('stream tickets', () => {
  let server: TestServer;
  let id: string;
  const keys: Record<string, string> = {};
  const ids: Record<string, string> = {};
  before(async () => {
    server = await startTestServer();
    id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    for (const [name, tenantId] of [
      ['ada', 'default'],
      ['bob', 'other'],
    ] as const) {
      const request = {
        tenantId,
        name,
        expiresAt: null,
        limits: NO_LIMITS,
        createdBy: 'test',
        scopes: ['sessions:read'] satisfies Scope[],
      };
      const { key, secret } = await createKey(server.context.apiKeys, request);
      keys[name] = secret;
      ids[name] = key.id;
    }
  });
  after(async () => await server[Symbol.asyncDispose]());

  const call = async (method: string, path: string, key: string | null, body?: object): Promise<Response> =>
    await fetch(server.url + path, {
      method,
      headers: {
        ...(key === null ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        accept: 'text/event-stream, application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  const ticket = async (key: string, body?: object): Promise<string> => {
    const answer = await call('POST', '/stream-tickets', key, body);
    assert.equal(answer.status, 201);
    return ((await answer.json()) as { ticket: string }).ticket;
  };

  /** The status of a stream, and the first bytes of it. */
  const open = async (path: string): Promise<[number, string]> => {
    const answer = await call('GET', path, null);
    const reader = answer.body?.getReader();
    const first = await reader?.read();
    await reader?.cancel();
    return [answer.status, Buffer.from(first?.value ?? []).toString()];
  };

  it('open one stream, once, for whoever can send no header', async () => {
    const path = `/sessions/${id}/events`;
    assert.equal((await open(path))[0], 401);
    const given = await ticket(keys.ada ?? '');
    const [status, begin] = await open(`${path}?ticket=${given}`);
    assert.equal(status, 200);
    assert.match(begin, /^retry: /);
    const [again, problem] = await open(`${path}?ticket=${given}`);
    assert.equal(again, 401);
    assert.match(problem, /"code":"unauthorized".*POST \/stream-tickets/);
    assert.equal((await open(`/events?ticket=${await ticket(keys.ada ?? '')}`))[0], 200);
  });

  it('are for the session that they were asked for, and see what their key sees', async () => {
    const other = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';
    const bound = { session_id: id };
    const paths: [string, number][] = [
      ['/events', 401],
      [`/sessions/${other}/events`, 401],
      [`/sessions/${id.toUpperCase()}/events`, 200],
    ];
    for (const [path, expected] of paths) {
      const given = await ticket(keys.ada ?? '', bound);
      assert.equal((await open(`${path}?ticket=${given}`))[0], expected, path);
    }
    const foreign = await ticket(keys.bob ?? '');
    assert.equal((await open(`/sessions/${id}/events?ticket=${foreign}`))[0], 404);
    assert.equal((await call('POST', '/stream-tickets', keys.bob ?? '', bound)).status, 404);
  });

  it('open nothing but streams', async () => {
    const given = await ticket(keys.ada ?? '');
    assert.equal((await call('GET', `/sessions/${id}?ticket=${given}`, null)).status, 401);
    assert.equal((await call('GET', `/sessions?ticket=${given}`, null)).status, 401);
  });

  it('are not made out of thin air, and not made without a key', async () => {
    for (const made of ['', 'x', 'A'.repeat(43), `${'A'.repeat(43)}'--`]) {
      assert.equal((await open(`/events?ticket=${made}`))[0], 401, made);
    }
    assert.equal((await call('POST', '/stream-tickets', null)).status, 401);
  });

  it('end with the key that they were made with', async () => {
    const given = await ticket(keys.bob ?? '');
    await revokeKey(server.context.apiKeys, { tenantId: 'other', id: ids.bob ?? '' });
    // A server knows it a moment later; what it knew of the key is read again.
    await until('the key opens nothing', async () => {
      const answer = await call('GET', '/sessions', keys.bob ?? '');
      await answer.body?.cancel();
      return answer.status === 401;
    });
    assert.equal((await open(`/events?ticket=${given}`))[0], 401);
  });

  it('lie in the database as hashes, and expire after 30 s', async () => {
    const given = await ticket(keys.ada ?? '');
    const rows = await server.context.database.db.selectFrom('stream_tickets').selectAll().execute();
    assert.ok(rows.length > 0);
    assert.ok(!JSON.stringify(rows).includes(given));
    for (const { expires_at } of rows) assert.ok(expires_at.getTime() <= Date.now() + 31_000);
    await server.context.database.db
      .updateTable('stream_tickets')
      .set({ expires_at: new Date(Date.now() - 1) })
      .execute();
    assert.equal((await open(`/events?ticket=${given}`))[0], 401);
  });
});

describe('guessing keys', () => {
  it('is slowed down by address, and locks nobody out whose key is in use there', async () => {
    await using server = await startTestServer();
    const request = {
      tenantId: 'default',
      name: 'ada',
      expiresAt: null,
      limits: NO_LIMITS,
      createdBy: 'test',
    };
    const scopes: Scope[] = ['sessions:read'];
    const { secret } = await createKey(server.context.apiKeys, { ...request, scopes });
    const get = async (key: string | null): Promise<Response> => {
      const answer = await fetch(`${server.url}/sessions`, {
        headers: key === null ? {} : { 'x-api-key': key },
      });
      await answer.body?.cancel();
      return answer;
    };
    assert.equal((await get(secret)).status, 200);
    const guess = `grk_${'0'.repeat(20)}_${'A'.repeat(43)}`;
    for (let time = 0; time < 20; time++) assert.equal((await get(guess)).status, 401);
    const refused = await get(guess);
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    assert.equal((await get(secret)).status, 200);
    assert.equal((await get(null)).status, 401);
  });
});
