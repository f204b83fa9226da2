import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { CreatedApiKey, Scope } from '../../../client/src/index.ts';
import { ApiDocument } from '../support/api-document.ts';
import { Browser } from '../support/browser.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

/*
 * Generated from /openapi.json: every route, with every kind of key that must not open it, and with the ids of another
 * tenant. A new route is in it by itself.
 */

type Answer = { status: number; text: string; cleared: boolean };
type Operation = { name: string; method: string; path: string; body: unknown; scope: Scope | 'any' | null };

const WRONG_SECRET = 'A'.repeat(43);

describe('access, over all routes that the server describes', () => {
  let server: TestServer;
  let operations: Operation[];
  let refused: Record<string, string | undefined>;
  let operator: TestServer;
  /** Of the tenant that has something. */
  let owner: CreatedApiKey;
  let stranger: CreatedApiKey;
  let ids: Record<string, string>;

  before(async () => {
    server = await startTestServer();
    const first = await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    operator = server.as(first.key);
    const make = async (tenant: string, scopes: Scope[] = ['admin']): Promise<CreatedApiKey> =>
      await operator.client.apiKeys.create({ name: `${tenant} key`, tenant, scopes });
    owner = await make('owners');
    stranger = await make('strangers');
    const expired = await make('owners');
    const revoked = await make('owners');
    await operator.client.apiKeys.update(expired.api_key_id, { expires_at: '2020-01-01T00:00:00Z' });
    await operator.client.apiKeys.revoke(revoked.api_key_id);
    refused = {
      missing: undefined,
      malformed: 'not-a-key',
      unknown: `grk_${'0'.repeat(20)}_${WRONG_SECRET}`,
      'of the wrong secret': `grk_${owner.api_key_id}_${WRONG_SECRET}`,
      expired: expired.key,
      revoked: revoked.key,
    };
    ids = await makeThings(server.as(owner.key), owner);
    operations = readOperations(await ApiDocument.read(server), ids);
  });
  after(async () => await server[Symbol.asyncDispose]());

  const callFrom = async (operation: Operation, cookie: string, headers: Record<string, string> = {}) =>
    await send(server.url + operation.path, {
      ...operation,
      key: undefined,
      from: '127.0.0.1',
      headers: { cookie, ...headers },
    });

  const makeDeadCookies = async (): Promise<string[]> => {
    const gone = await operator.client.apiKeys.create({ name: 'gone', tenant: 'owners', scopes: ['admin'] });
    const made: { browser: Browser; cookie: string }[] = [];
    for (const { key } of [owner, gone]) {
      const browser = new Browser(server);
      await browser.signIn({ api_key: key });
      made.push({ browser, cookie: browser.cookie });
    }
    await made[0]?.browser.ask('POST', '/sign-out');
    await operator.client.apiKeys.revoke(gone.api_key_id);
    await until('the key is gone', async () => (await made[1]?.browser.ask('GET', '/me'))?.status === 401);
    const [name] = (made[0]?.cookie ?? '').split('=');
    return [
      ...made.map(({ cookie }) => cookie),
      `${name}=grs_${WRONG_SECRET}`,
      `${name}=`,
      `${name}=nonsense`,
    ];
  };

  /** From an address of its own, so that wrong keys are counted apart. */
  const call = async ({ method, path, body }: Operation, key: string | undefined, from = '127.0.0.1') =>
    await send(server.url + path, { method, body, key, from });

  it('is refused with 401 for a key that is missing, malformed, unknown, wrong, expired or revoked', async () => {
    const guarded = operations.filter(({ scope }) => scope !== null);
    assert.ok(guarded.length > 30, String(guarded.length));
    for (const [n, operation] of guarded.entries()) {
      for (const [kind, key] of Object.entries(refused)) {
        const { status, text } = await call(operation, key, `127.0.1.${n + 1}`);
        assert.equal(status, 401, `${operation.name} with a key that is ${kind}: ${text}`);
        assert.equal(JSON.parse(text).code, 'unauthorized');
      }
    }
  });

  it('is refused with 403 for a key that has every scope but those that open the route', async () => {
    const opening: Record<Scope, Scope[]> = {
      'sessions:read': ['sessions:write', 'sessions:bypass', 'approvals'],
      'sessions:write': ['sessions:read', 'sessions:bypass', 'approvals'],
      'sessions:bypass': ['sessions:read', 'sessions:write', 'approvals'],
      approvals: ['sessions:read', 'sessions:write', 'sessions:bypass'],
      admin: ['sessions:read', 'sessions:write', 'sessions:bypass', 'approvals'],
      operator: ['admin'],
    };
    const keys = new Map<Scope, string>();
    for (const [scope, others] of Object.entries(opening) as [Scope, Scope[]][]) {
      const made = await operator.client.apiKeys.create({ name: scope, tenant: 'owners', scopes: others });
      keys.set(scope, made.key);
    }
    for (const operation of operations) {
      if (operation.scope === null || operation.scope === 'any') continue;
      const { status, text } = await call(operation, keys.get(operation.scope));
      assert.equal(status, 403, `${operation.name}: ${text}`);
      assert.equal(JSON.parse(text).code, 'forbidden');
    }
  });

  it('is refused with 401 for the cookie of a browser that was signed out, or whose key is gone, and clears it', async () => {
    const guarded = operations.filter(({ scope }) => scope !== null);
    for (const cookie of await makeDeadCookies()) {
      for (const operation of guarded) {
        const { status, text, cleared } = await callFrom(operation, cookie);
        assert.equal(status, 401, `${operation.name}: ${text}`);
        assert.ok(cleared, operation.name);
      }
    }
  });

  it('is refused with 403 for a cookie that comes from a page of another site, and opens to one of its own', async () => {
    const browser = new Browser(server);
    const { key } = await operator.client.apiKeys.create({
      name: 'browser',
      tenant: 'empty',
      scopes: ['operator'],
    });
    await browser.signIn({ api_key: key });
    for (const operation of operations) {
      if (operation.scope === null || operation.name === 'POST /sign-out') continue;
      for (const site of ['same-site', 'cross-site']) {
        const { status, text } = await callFrom(operation, browser.cookie, { 'sec-fetch-site': site });
        assert.equal(status, 403, `${operation.name} from ${site}: ${text}`);
      }
      if (operation.method !== 'GET') continue;
      const { status, text } = await callFrom(operation, browser.cookie, { 'sec-fetch-site': 'same-origin' });
      assert.notEqual(status, 401, `${operation.name}: ${text}`);
      assert.notEqual(JSON.parse(status === 403 ? text : '{}').code, 'forbidden_origin', operation.name);
    }
  });

  it('answers 404 to every id of another tenant, as to one that does not exist, and never tells of it', async () => {
    const withIds = operations.filter(({ name }) => name.includes('_id}'));
    for (const operation of withIds) {
      const { status, text } = await call(operation, stranger.key);
      assert.equal(status, 404, `${operation.name}: ${text}`);
    }
    const own = server.as(owner.key);
    for (const { name, path, method } of withIds) {
      if (method !== 'GET') continue;
      const { status, text } = await call({ name, path, method, body: undefined, scope: null }, owner.key);
      assert.ok(status < 400 || status === 409, `${name} for its owner: ${status} ${text}`);
    }
    assert.equal((await own.client.sessions.get(ids.session_id ?? '')).title, 'of the owners');
  });

  it('resumes no session of another tenant, and shares no answer with a request of theirs', async () => {
    const foreign = { prompt: 'hello', resume_session_id: ids.session_id };
    const unknown = { prompt: 'hello', resume_session_id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f' };
    for (const body of [foreign, unknown, { ...foreign, fork_session: true }]) {
      const answer = await server.as(stranger.key).request('POST', '/execute/', body);
      assert.deepEqual([answer.status, answer.body.code], [400, 'session_not_resumable']);
    }
    const started = [owner, stranger, owner].map(async ({ key }) => {
      const { client } = server.as(key);
      return (await client.execute({ prompt: 'hello' }, { idempotencyKey: 'the-same' })).session_id;
    });
    const [one, other, again] = await Promise.all(started);
    assert.notEqual(one, other);
    assert.equal(one, again);
  });

  it("lists nothing of another tenant's", async () => {
    const traces = [...Object.values(ids), owner.api_key_id, 'owners'];
    const lists = operations.filter(({ method, name, scope }) => {
      return (
        method === 'GET' &&
        !name.includes('{') &&
        scope !== null &&
        scope !== 'operator' &&
        name !== 'GET /me'
      );
    });
    assert.ok(lists.length >= 5, String(lists.map(({ name }) => name)));
    for (const operation of lists) {
      const { status, text } = await call(operation, stranger.key);
      assert.equal(status, 200, `${operation.name}: ${text}`);
      for (const trace of traces)
        assert.ok(!text.includes(trace), `${operation.name} tells of ${trace}: ${text}`);
    }
  });

  it('streams nothing of another tenant, by name or by chance', async () => {
    const { session_id: id = '' } = ids;
    const accept = 'text/event-stream';
    const headers = { authorization: `Bearer ${stranger.key}`, accept };
    assert.equal((await fetch(`${server.url}/sessions/${id}/events`, { headers })).status, 404);
    const stop = new AbortController();
    const kinds: string[] = [];
    const { client } = server.as(stranger.key);
    for await (const event of client.events({ sessions: [id], signal: stop.signal })) {
      kinds.push(event.kind);
      if (event.kind === 'end') assert.deepEqual([event.session_id, event.data.reason], [id, 'not_found']);
      if ('session_id' in event && event.kind !== 'end') assert.notEqual(event.session_id, id);
      if (kinds.includes('ready') && kinds.includes('end')) break;
    }
  });
});

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** A session with a turn, a message with an image that waits, and an approval; its ids by the names of path parameters. */
async function makeThings(server: TestServer, key: CreatedApiKey): Promise<Record<string, string>> {
  const { client } = server;
  const ask = { prompt: 'run: echo hello > greeting', approvals: 'ask', title: 'of the owners' } as const;
  const { session_id } = await client.execute(ask);
  const asked = await server.event(session_id, ({ kind }) => kind === 'approval');
  assert.ok(asked.kind === 'approval' && asked.data.phase === 'requested');
  const source = { type: 'base64', media_type: 'image/png', data: PNG } as const;
  const content = [{ type: 'text', text: 'later' } as const, { type: 'image', source } as const];
  const { turn_id } = await client.sessions.messages.send(session_id, { content });
  await client.sessions.files.write(session_id, 'notes.txt', 'hello');
  const { preset_id } = await client.presets.create({ name: 'of the owners', options: {} });
  return {
    session_id,
    turn_id,
    approval_id: asked.data.approval.approval_id,
    preset_id,
    api_key_id: key.api_key_id,
  };
}

/** With these ids in their paths, and the body that their own description gives as an example. */
function readOperations(document: ApiDocument, ids: Record<string, string>): Operation[] {
  const known: Record<string, string> = {
    ...ids,
    path: 'notes.txt',
    task_id: 'task',
    grant_id: 'grant',
    seq: '1',
    number: '1',
    period: 'day',
  };
  return [...document.operations].map(([name, operation]) => {
    const [method = '', template = ''] = name.split(' ');
    const path = template.replace(/\{(\w+)\}/g, (_, parameter) => {
      return known[parameter] ?? assert.fail(`${name}: what is a ${parameter}? Add one to this test`);
    });
    const { security } = operation as { security?: Record<string, Scope[]>[] };
    assert.ok(security, `${name} does not say who may use it`);
    const [first] = security;
    const scope = first === undefined ? null : (Object.values(first)[0]?.[0] ?? 'any');
    const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
    return {
      name,
      method,
      path,
      body: schema === undefined ? undefined : exampleOf(document, schema),
      scope,
    };
  });
}

function exampleOf(document: ApiDocument, schema: object): unknown {
  const { examples, anyOf } = document.resolve(schema) as { examples?: unknown[]; anyOf?: object[] };
  if (examples?.[0] !== undefined) return examples[0];
  return anyOf?.map((one) => exampleOf(document, one)).find((example) => example !== undefined);
}

type Asked = {
  method: string;
  body: unknown;
  key: string | undefined;
  from: string;
  headers?: Record<string, string>;
};

/** The answer, or of a stream what comes before it is `ready`. */
async function send(url: string, { method, body, key, from, ...asked }: Asked): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const headers = {
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...asked.headers,
  };
  const request = httpRequest(url, { method, headers, localAddress: from, agent: false }, (response) => {
    let text = '';
    const cleared = /Max-Age=0/.test(response.headers['set-cookie']?.[0] ?? '');
    const finish = (): void => resolve({ status: response.statusCode ?? 0, text, cleared });
    response.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.includes('event: ready')) response.destroy();
    });
    response.on('close', finish);
  });
  request.on('error', reject);
  request.end(body === undefined ? undefined : JSON.stringify(body));
  return await promise;
}
