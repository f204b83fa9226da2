import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { CreatedApiKey } from '../../../client/src/index.ts';
import { createKey } from '../../src/access/api-key/service.ts';
import { createCode } from '../../src/access/sign-in/service.ts';
import { hashOf } from '../../src/access/sign-in/sign-in.ts';
import { NO_LIMITS } from '../../src/ground/identity.ts';
import { Browser, readJson } from '../support/browser.ts';
import { createDatabase, startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

const PEPPER = 'p'.repeat(32);

async function status(browser: Browser, path = '/me'): Promise<number> {
  return (await browser.ask('GET', path)).status;
}

describe('signing a browser in', () => {
  let server: TestServer;
  let operator: TestServer;
  before(async () => {
    server = await startTestServer({ config: { keyPepper: PEPPER } });
    operator = server.as((await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] })).key);
  });
  after(async () => await server[Symbol.asyncDispose]());

  const newKey = async (name = 'ada'): Promise<CreatedApiKey> =>
    await operator.client.apiKeys.create({ name, scopes: ['sessions:read', 'sessions:write'] });
  const signedIn = async (key: { key: string }): Promise<Browser> => {
    const browser = new Browser(server);
    assert.equal((await browser.signIn({ api_key: key.key })).status, 200);
    return browser;
  };

  it('exchanges a key for a cookie that no script reads, and answers as GET /me does', async () => {
    const key = await newKey();
    const browser = new Browser(server);
    const answer = await browser.signIn({ api_key: key.key });
    assert.match(
      answer.headers.get('set-cookie') ?? '',
      /^greenroom-[0-9a-f]{8}=grs_[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
    );
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    const me = await readJson(answer);
    assert.deepEqual([me.api_key_id, me.name, me.signed_in_by], [key.api_key_id, 'ada', 'cookie']);
    assert.deepEqual(await readJson(await browser.ask('GET', '/me')), me);
    assert.equal((await browser.ask('POST', '/execute/', { prompt: 'hello' })).status, 200);
    assert.equal(await status(browser, '/api-keys'), 403);
    assert.equal(await status(new Browser(server)), 401);
    const stored = await server.context.database.db.selectFrom('sign_ins').selectAll().execute();
    const [secret = ''] = browser.cookies.values();
    assert.ok(
      !JSON.stringify(stored).includes(secret) && stored.some(({ hash }) => hash.equals(hashOf(secret))),
    );
  });

  it('ends with its key, at once, and the streams that it has open with it', async () => {
    const key = await newKey();
    const browser = await signedIn(key);
    const stream = await browser.openStream('/events');
    await operator.client.apiKeys.revoke(key.api_key_id);
    await stream.ended;
    const answer = await browser.ask('GET', '/me');
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get('set-cookie') ?? '', /^greenroom-\w+=; Path=\/; Max-Age=0; /);
    assert.equal(browser.cookies.size, 0);
  });

  it('holds as long as the secret that it was made with', async () => {
    const key = await newKey();
    const browser = await signedIn(key);
    const { previous_expires_at: end } = await operator.client.apiKeys.rotate(key.api_key_id, {
      keep_previous_s: 3600,
    });
    // A change of a key is told through the database.
    await until('the cookie ends when the old secret does', async () => {
      const me = await readJson(await browser.ask('GET', '/me'));
      return me.signed_in_by === 'cookie' && me.expires_at === end;
    });
    const stream = await browser.openStream('/events');
    const rotated = await operator.client.apiKeys.rotate(key.api_key_id, { keep_previous_s: 0 });
    await stream.ended;
    assert.equal(await status(browser), 401);
    assert.equal(await status(await signedIn(rotated)), 200);
  });

  it('signs out: the cookie opens nothing, its streams end, those of other browsers go on', async () => {
    const key = await newKey();
    const [browser, other] = [await signedIn(key), await signedIn(key)];
    const stream = await browser.openStream('/events');
    const { cookie } = browser;
    const answer = await browser.ask('POST', '/sign-out');
    assert.equal(answer.status, 204);
    assert.match(answer.headers.get('set-cookie') ?? '', /Max-Age=0/);
    await stream.ended;
    assert.equal((await new Browser(server).send('GET', '/me', { cookie })).status, 401);
    assert.equal(await status(other), 200);
    assert.equal((await browser.ask('POST', '/sign-out')).status, 401);
  });

  it('signs out everywhere, with its key in the header as well', async () => {
    const key = await newKey();
    const browsers = [await signedIn(key), await signedIn(key), await signedIn(key)];
    const stranger = await signedIn(await newKey('bob'));
    assert.equal((await browsers[0]?.ask('POST', '/sign-out?everywhere=true'))?.status, 204);
    for (const browser of browsers) assert.equal(await status(browser), 401);
    assert.equal(await status(stranger), 200);
    const again = await signedIn(key);
    await server.as(key.key).client.signOut({ everywhere: true });
    assert.equal(await status(again), 401);
    assert.equal((await browsers[1]?.ask('POST', '/sign-out?everywhere=perhaps'))?.status, 401);
  });

  it('gives stream tickets that end with the sign-in', async () => {
    const browser = await signedIn(await newKey());
    const { ticket } = await readJson(await browser.ask('POST', '/stream-tickets', {}));
    const stream = await new Browser(server).openStream(`/events?ticket=${ticket}`);
    const unused = await readJson(await browser.ask('POST', '/stream-tickets', {}));
    await browser.ask('POST', '/sign-out');
    await stream.ended;
    assert.equal((await fetch(`${server.url}/events?ticket=${unused.ticket}`)).status, 401);
  });

  it('replaces the sign-in that the browser had', async () => {
    const browser = await signedIn(await newKey());
    const { cookie } = browser;
    await browser.signIn({ api_key: (await newKey('bob')).key });
    assert.equal((await readJson(await browser.ask('GET', '/me'))).name, 'bob');
    assert.equal((await new Browser(server).send('GET', '/me', { cookie })).status, 401);
  });

  it('is moved on by its use, and sent again then', async () => {
    const browser = await signedIn(await newKey());
    const [secret = ''] = browser.cookies.values();
    assert.equal((await browser.ask('GET', '/me')).headers.get('set-cookie'), null);
    const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);
    const { db } = server.context.database;
    const setEnd = async (expires_at: Date): Promise<void> => {
      await db.updateTable('sign_ins').set({ expires_at }).where('hash', '=', hashOf(secret)).execute();
      server.context.signIns.noticeChange(hashOf(secret));
    };
    await setEnd(inDays(5));
    assert.match((await browser.ask('GET', '/me')).headers.get('set-cookie') ?? '', /Max-Age=2592000/);
    const { expires_at } = await readJson(await browser.ask('GET', '/me'));
    assert.ok(new Date(expires_at) > inDays(29), expires_at);
    await setEnd(inDays(-1));
    assert.equal(await status(browser), 401);
  });

  it('gives a header with a key precedence, even a wrong one', async () => {
    const browser = await signedIn(await newKey());
    const other = await newKey('bob');
    const me = await browser.send('GET', '/me', { authorization: `Bearer ${other.key}` });
    assert.deepEqual([(await readJson(me)).name, me.status], ['bob', 200]);
    assert.equal((await browser.send('GET', '/me', { 'x-api-key': 'wrong' })).status, 401);
    assert.equal((await browser.send('GET', '/me', { authorization: 'Basic cHJveHk6cHJveHk=' })).status, 200);
  });

  it('takes no side between two sign-ins that come at once, and finds the one among cookies that are none', async () => {
    const [browser, other] = [await signedIn(await newKey()), await signedIn(await newKey('bob'))];
    const [[name = '', mine = ''] = []] = [...browser.cookies];
    const [theirs = ''] = other.cookies.values();
    const me = async (cookie: string): Promise<Response> =>
      await new Browser(server).send('GET', '/me', { cookie });
    for (const cookie of [`${name}=${mine}; ${name}=${theirs}`, `${name}=${theirs}; ${name}=${mine}`]) {
      const answer = await me(cookie);
      assert.deepEqual([answer.status, answer.headers.get('set-cookie')], [401, null]);
    }
    const noise = [
      '',
      `${name}=x`,
      'a=b',
      `x${name}=${theirs}`,
      `${name}=grs_${'A'.repeat(43)}`,
      '=',
      ';;',
      '%',
    ];
    assert.equal((await readJson(await me([...noise, `${name}=${mine}`].join('; ')))).name, 'ada');
    assert.equal((await me(`${name}=${mine}; ${name}=${mine}`)).status, 200);
    const crowd = [theirs, ...['B', 'C', 'D'].map((letter) => `grs_${letter.repeat(43)}`), mine];
    assert.equal((await me(crowd.map((value) => `${name}=${value}`).join('; '))).status, 401);
    assert.equal((await me(`${name}=${'x'.repeat(8_000)}`)).status, 401);
    assert.equal((await me(`${name}=${'x'.repeat(17_000)}`)).status, 431);
  });

  it('is written to the audit log, without the secret', async () => {
    const key = await newKey('audited');
    const browser = await signedIn(key);
    await browser.ask('POST', '/sign-out?everywhere=true');
    const entries = (await Array.fromAsync(operator.client.audit({ actor: key.api_key_id }))).map(
      ({ action, outcome, details }) => [action, outcome, details.values],
    );
    assert.deepEqual(entries, [
      ['sign_out', 'done', { everywhere: 'true' }],
      ['sign_in', 'done', {}],
    ]);
  });
});

describe('signing in with what opens nothing', () => {
  it('is refused and slowed down by address, while who is signed in goes on', async () => {
    await using server = await startTestServer();
    const { key } = await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    const browser = new Browser(server);
    assert.equal((await browser.signIn({ api_key: key })).status, 200);
    const wrong = `grk_${'0'.repeat(20)}_${'A'.repeat(43)}`;
    const guesser = new Browser(server);
    for (const body of [
      { api_key: wrong },
      { api_key: 'x' },
      { code: `grc_${'A'.repeat(43)}` },
      { code: 'x' },
    ]) {
      assert.equal((await guesser.signIn(body)).status, 401);
    }
    for (const body of [{}, { api_key: 'x', code: 'y' }, { api_key: 'x'.repeat(201) }, { api_key: 1 }, []]) {
      assert.equal((await guesser.signIn(body as never)).status, 422, JSON.stringify(body));
    }
    for (let n = 0; n < 20; n++) await guesser.signIn({ api_key: wrong });
    const refused = await guesser.signIn({ api_key: wrong });
    assert.deepEqual([refused.status, (await readJson(refused)).code], [429, 'rate_limited']);
    assert.equal(guesser.cookies.size, 0);
    assert.equal(await status(browser), 200);
    assert.equal((await new Browser(server).signIn({ api_key: key })).status, 200);
    const audited = server.as(key).client.audit({ action: 'sign_in', outcome: 'denied' });
    const denied = await Array.fromAsync(audited);
    assert.ok(denied.length >= 4);
    assert.doesNotMatch(JSON.stringify(denied), /gr[kcs]_/);
  });
});

describe('a request that comes with the cookie', () => {
  const LISTED = 'https://console.example';
  let server: TestServer;
  let browser: Browser;
  before(async () => {
    server = await startTestServer({ config: { corsOrigins: [LISTED, 'null'] } });
    const { key } = await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    browser = new Browser(server);
    await browser.signIn({ api_key: key });
  });
  after(async () => await server[Symbol.asyncDispose]());

  const origins = (): Record<string, string | undefined> => ({
    none: undefined,
    own: server.url,
    'another port': server.url.replace(/\d+$/, '1'),
    'another scheme on this port': server.url.replace('http', 'ftp'),
    'a subdomain': server.url.replace('127.0.0.1', 'sub.127.0.0.1'),
    listed: LISTED,
    null: 'null',
    foreign: 'https://evil.example',
    nonsense: 'nonsense',
  });
  const sites = [undefined, 'same-origin', 'same-site', 'cross-site', 'none'];
  const mayPass = (method: string, origin: string, site: string | undefined): boolean => {
    if (method === 'GET' || method === 'HEAD') {
      return (origin === 'none' || origin === 'own') && [undefined, 'same-origin', 'none'].includes(site);
    }
    if (origin === 'own') return site === undefined || site === 'same-origin';
    return origin === 'none' && site === 'same-origin';
  };

  for (const method of ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE']) {
    it(`must come from a page of the server: ${method}, from every origin and site`, async () => {
      const path = { GET: '/me', HEAD: '/me', POST: '/stream-tickets' }[method] ?? '/sessions/none';
      for (const [name, origin] of Object.entries(origins())) {
        for (const site of sites) {
          const headers = { ...(origin && { origin }), ...(site && { 'sec-fetch-site': site }) };
          const answer = await browser.send(method, path, headers, method === 'POST' ? {} : undefined);
          const isRefused = answer.status === 403;
          assert.equal(
            isRefused,
            !mayPass(method, name, site),
            `${method} ${name} ${site}: ${answer.status}`,
          );
          if (isRefused && method !== 'HEAD') assert.equal((await readJson(answer)).code, 'forbidden_origin');
        }
      }
    });
  }

  it('is no matter of where it comes from with a key, from a listed origin', async () => {
    const { key } = await readJson(
      await browser.ask('POST', '/api-keys', { name: 'k', scopes: ['operator'] }),
    );
    for (const origin of [LISTED, 'null']) {
      const headers = { origin, 'sec-fetch-site': 'cross-site', authorization: `Bearer ${key}` };
      const answer = await browser.send('POST', '/stream-tickets', headers, {});
      assert.equal(answer.status, 201);
      assert.equal(answer.headers.get('access-control-allow-origin'), origin);
      assert.equal(answer.headers.get('access-control-allow-credentials'), null);
    }
  });

  it('signs nobody in from elsewhere: not with the key of who made the page', async () => {
    const { key } = await readJson(
      await browser.ask('POST', '/api-keys', { name: 'k', scopes: ['operator'] }),
    );
    for (const [name, origin] of Object.entries(origins())) {
      for (const site of sites) {
        const headers = { ...(origin && { origin }), ...(site && { 'sec-fetch-site': site }) };
        const answer = await new Browser(server).send('POST', '/sign-in', headers, { api_key: key });
        assert.equal(answer.status, mayPass('POST', name, site) ? 200 : 403, `${name} ${site}`);
        if (answer.status === 403) assert.equal(answer.headers.get('set-cookie'), null);
      }
    }
  });
});

describe('signing in behind a proxy that speaks https', () => {
  let server: TestServer;
  let key: string;
  before(async () => {
    server = await startTestServer({
      config: { trustProxy: ['127.0.0.1'], allowedHosts: ['agents.example'] },
    });
    const { secret } = await createKey(server.context.apiKeys, {
      tenantId: 'default',
      name: 'first',
      scopes: ['operator'],
      expiresAt: null,
      limits: NO_LIMITS,
      createdBy: 'test',
    });
    key = secret;
  });
  after(async () => await server[Symbol.asyncDispose]());

  const forwarded = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'agents.example' };
  const page = { ...forwarded, origin: 'https://agents.example' };

  it('gives a cookie for https and this host alone', async () => {
    const browser = new Browser(server);
    const answer = await browser.send('POST', '/sign-in', page, { api_key: key });
    assert.equal(answer.status, 200);
    assert.match(
      answer.headers.get('set-cookie') ?? '',
      /^__Host-greenroom-[0-9a-f]{8}=grs_[\w-]{43}; Path=\/; Max-Age=2592000; HttpOnly; SameSite=Strict; Secure$/,
    );
    assert.equal((await browser.send('POST', '/stream-tickets', page, {})).status, 201);
    assert.equal((await browser.send('GET', '/me', forwarded)).status, 200);
    const plain = { ...page, origin: 'http://agents.example' };
    assert.equal((await browser.send('POST', '/stream-tickets', plain, {})).status, 403);
    assert.equal((await browser.send('GET', '/me', { 'x-forwarded-host': 'agents.example' })).status, 401);
    const [[name = '', value = ''] = []] = [...browser.cookies];
    const tossed = { ...forwarded, cookie: `${name.replace('__Host-', '')}=${value}` };
    assert.equal((await new Browser(server).send('GET', '/me', tossed)).status, 401);
  });
});

describe('several servers', () => {
  it('of one host do not take each other for the same', async () => {
    await using one = await startTestServer();
    await using other = await startTestServer();
    const browser = new Browser(one);
    for (const server of [one, other]) {
      const { key } = await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
      const answer = await browser.send(
        'POST',
        '/sign-in',
        { origin: one.url },
        { api_key: server === one ? key : 'x' },
      );
      assert.equal(answer.status, server === one ? 200 : 401);
      if (server === other) {
        const its = new Browser(other);
        await its.signIn({ api_key: key });
        for (const [name, value] of its.cookies) browser.cookies.set(name, value);
      }
    }
    assert.equal(browser.cookies.size, 2);
    assert.equal(await status(browser), 200);
    assert.equal((await new Browser(other).send('GET', '/me', { cookie: browser.cookie })).status, 200);
  });

  it('of one database share sign-ins, and end them on all', async () => {
    await using database = await createDatabase();
    const options = { databaseUrl: database.url, config: { keyPepper: PEPPER } };
    await using one = await startTestServer(options);
    await using two = await startTestServer(options);
    const { key } = await one.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    const browser = new Browser(one);
    await browser.signIn({ api_key: key });
    const there = new Browser(two);
    for (const [name, value] of browser.cookies) there.cookies.set(name, value);
    const stream = await there.openStream('/events');
    await browser.ask('POST', '/sign-out');
    await stream.ended;
    await until('it is signed out there', async () => (await status(there)) === 401);
  });
});

describe('a server that needs no key', () => {
  it('ignores a cookie that means nothing, and clears it', async () => {
    await using server = await startTestServer();
    const name = 'greenroom-00000000';
    const foreign = await new Browser(server).send('GET', '/me', { cookie: `${name}=grs_x` });
    assert.deepEqual([foreign.status, foreign.headers.get('set-cookie')], [200, null]);
    const refused = await new Browser(server).signIn({ api_key: 'x' });
    assert.equal(refused.status, 401);
    const out = await new Browser(server).ask('POST', '/sign-out');
    assert.equal(out.status, 204);
    const [own = ''] = /^greenroom-\w+/.exec(out.headers.get('set-cookie') ?? '') ?? [];
    const dead = await new Browser(server).send('GET', '/me', { cookie: `${own}=grs_${'A'.repeat(43)}` });
    assert.equal((await readJson(dead)).signed_in_by, 'local');
    assert.match(dead.headers.get('set-cookie') ?? '', new RegExp(`^${own}=; .*Max-Age=0`));
  });
});

describe('a one-time link', () => {
  const make = async (server: TestServer, key: { id: string; tenant_id: string } | null): Promise<string> =>
    await createCode(server.context.apiKeys, key);

  it('signs in with the key that it is for, once, at any server of the database', async () => {
    await using database = await createDatabase();
    const options = { databaseUrl: database.url, config: { keyPepper: PEPPER } };
    await using one = await startTestServer(options);
    await using two = await startTestServer(options);
    const first = await one.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    const key = { id: first.api_key_id, tenant_id: 'default' };
    const code = await make(one, key);
    const answers = await Promise.all(
      [one, two, one].map(async (server) => await new Browser(server).signIn({ code })),
    );
    assert.deepEqual(answers.map(({ status }) => status).toSorted(), [200, 401, 401]);
    const won = answers.find(({ status }) => status === 200) ?? assert.fail();
    assert.equal((await readJson(won)).api_key_id, first.api_key_id);
    assert.equal((await new Browser(two).signIn({ code: await make(one, key) })).status, 200);

    const late = await make(one, key);
    await one.context.database.db
      .updateTable('sign_in_codes')
      .set({ expires_at: new Date(Date.now() - 1) })
      .execute();
    assert.equal((await new Browser(one).signIn({ code: late })).status, 401);

    const orphan = await make(one, key);
    const admin = one.as(first.key);
    await admin.client.apiKeys.create({ name: 'second', scopes: ['operator'] });
    await admin.client.apiKeys.revoke(first.api_key_id);
    assert.equal((await new Browser(one).signIn({ code: orphan })).status, 401);
  });

  it('signs the local operator in with a key of its own, which ends with the sign-in', async () => {
    await using server = await startTestServer();
    const { key } = await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    const { apiKeys } = server.as(key).client;
    const browser = new Browser(server);
    const answer = await browser.signIn({ code: await make(server, null) });
    const me = await readJson(answer);
    assert.deepEqual(
      [me.name, me.tenant, me.signed_in_by],
      ['signed in at the terminal', 'default', 'cookie'],
    );
    assert.ok(me.scopes.includes('operator'));
    const hours = (new Date(me.expires_at).getTime() - Date.now()) / 3_600_000;
    assert.ok(hours > 11 && hours <= 12, me.expires_at);
    assert.equal((await apiKeys.get(me.api_key_id)).revoked_at, null);
    await browser.ask('POST', '/sign-out');
    assert.notEqual((await apiKeys.get(me.api_key_id)).revoked_at, null);

    // What was read and pinned is the local user's, whichever link it was.
    const { session_id: session } = await server.as(key).client.execute({ prompt: 'hello' });
    const before = new Browser(server);
    await before.signIn({ code: await make(server, null) });
    await before.ask('PATCH', `/sessions/${session}/marks`, { pinned: true });
    const after = new Browser(server);
    await after.signIn({ code: await make(server, null) });
    const { summaries } = await readJson(await after.ask('GET', '/sessions/summaries?pinned=true'));
    assert.deepEqual(
      summaries.map((summary: { session_id: string }) => summary.session_id),
      [session],
    );

    const other = new Browser(server);
    const { api_key_id: id } = await readJson(await other.signIn({ code: await make(server, null) }));
    await apiKeys.revoke(id);
    await until('it is signed out', async () => (await status(other)) === 401);
  });
});

describe('GET /me', () => {
  it('tells the local user of what the server offers, and why it does not offer the rest', async () => {
    await using server = await startTestServer({
      config: { isolation: 'none', workspaceRoots: ['/srv/own', 'acme=/srv/acme'], model: 'my-model' },
    });
    const me = await server.client.me();
    assert.deepEqual([me.signed_in_by, me.api_key_id, me.expires_at], ['local', null, null]);
    assert.deepEqual(me.server.workspace_roots, ['/srv/own']);
    assert.deepEqual([me.server.demo_model, me.server.isolation], [true, 'none']);
    assert.ok(me.server.models.some(({ name, is_alias }) => name === 'sonnet' && is_alias));
    assert.ok(me.server.models.some(({ name }) => name === 'my-model'));
    assert.deepEqual(me.may.start_sessions, { allowed: true, reason: null });
    assert.deepEqual(me.may.manage_keys, { allowed: true, reason: null });
    assert.match(me.may.bypass_permissions.reason ?? '', /without isolation/);
    assert.match(me.may.network.reason ?? '', /isolated agents/);
    assert.deepEqual(me.may.set_cwd, { allowed: true, reason: null });

    await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
    const { secret } = await createKey(server.context.apiKeys, {
      tenantId: 'beta',
      name: 'reader',
      scopes: ['approvals'],
      expiresAt: new Date(Date.now() + 60_000),
      limits: { ...NO_LIMITS, requestsPerSecond: 50 },
      createdBy: 'test',
    });
    const reader = await server.as(secret).client.me();
    assert.deepEqual([reader.tenant, reader.scopes, reader.signed_in_by], ['beta', ['approvals'], 'key']);
    assert.deepEqual([reader.limits.requests_per_second, reader.server.workspace_roots], [50, []]);
    assert.notEqual(reader.expires_at, null);
    assert.deepEqual(reader.may.answer_approvals, { allowed: true, reason: null });
    for (const name of ['start_sessions', 'set_cwd', 'mcp_stdio', 'network', 'bypass_permissions'] as const) {
      assert.deepEqual(reader.may[name], {
        allowed: false,
        reason: 'The API key "reader" lacks the scope sessions:write.',
      });
    }
  });

  it('says of each permission what a start would say', async () => {
    await using server = await startTestServer({
      config: { isolation: 'none', workspaceRoots: [], mcpStdio: false, egressHosts: [] },
    });
    const { may } = await server.client.me();
    for (const [name, option] of [
      ['bypass_permissions', { permission_mode: 'bypassPermissions' }],
      ['set_cwd', { cwd: '/tmp' }],
      ['mcp_stdio', { mcp_servers: { x: { type: 'stdio', command: 'x' } } }],
      ['network', { network: { allowed_hosts: ['a.example'] } }],
    ] as const) {
      assert.equal(may[name].allowed, false, name);
      const { status, body } = await server.request('POST', '/execute', { prompt: 'hello', ...option });
      assert.equal(status, 422);
      assert.ok(`${body.detail} ${body.hint}`.includes(may[name].reason ?? '?'), `${name}: ${body.detail}`);
    }
  });
});
