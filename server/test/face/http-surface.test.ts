import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

type Given = { status: number; headers: IncomingHttpHeaders; body: string };

/** With headers that `fetch` would not send. */
async function call(
  server: TestServer,
  method: string,
  headers: Record<string, string>,
  path = '/sessions',
): Promise<Given> {
  const { promise, resolve, reject } = Promise.withResolvers<Given>();
  request(server.url + path, { method, headers, agent: false }, (response) => {
    const { statusCode = 0 } = response;
    text(response).then((body) => resolve({ status: statusCode, headers: response.headers, body }), reject);
  })
    .on('error', reject)
    .end();
  return await promise;
}

function port(server: TestServer): number {
  return Number(new URL(server.url).port);
}

describe('a server on loopback', { concurrency: true }, () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ config: { allowedHosts: ['agents.example'] } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  it('answers to names of this machine and to those it was given, and to no other', async () => {
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:80', 'app.localhost', 'agents.example:8000']) {
      assert.equal((await call(server, 'GET', { host })).status, 200, host);
    }
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1']) {
      const { status, body } = await call(server, 'GET', { host });
      assert.deepEqual([status, JSON.parse(body).code], [403, 'forbidden_host'], host);
    }
  });

  it('does not take the word of whoever asks for the name that it was called by', async () => {
    const headers = { host: 'evil.example', 'x-forwarded-host': 'localhost' };
    assert.equal((await call(server, 'GET', headers)).status, 403);
  });

  it('lets pages of other sites use nothing, and those without a site change nothing', async () => {
    const own = `http://127.0.0.1:${port(server)}`;
    const foreign = [
      'https://evil.example',
      'http://127.0.0.1:1',
      `https://127.0.0.1.evil.example`,
      'garbage',
    ];
    for (const method of ['GET', 'DELETE']) {
      assert.notEqual((await call(server, method, { origin: own })).status, 403);
      for (const origin of foreign) {
        const { status, body } = await call(server, method, { origin });
        assert.deepEqual([status, JSON.parse(body).code], [403, 'forbidden_origin'], `${method} ${origin}`);
      }
    }
    assert.equal((await call(server, 'DELETE', { origin: 'null' })).status, 403);
    assert.equal((await call(server, 'GET', { origin: 'null' })).status, 200);
    assert.equal((await call(server, 'DELETE', { 'sec-fetch-site': 'cross-site' })).status, 403);
    assert.notEqual((await call(server, 'DELETE', { 'sec-fetch-site': 'same-origin' })).status, 403);
    assert.equal((await call(server, 'GET', { 'sec-fetch-site': 'cross-site' })).status, 200);
  });

  it('tells no browser that pages of another site may read its answers', async () => {
    const { headers } = await call(server, 'GET', { origin: 'null' });
    assert.equal(headers['access-control-allow-origin'], undefined);
    const preflight = { origin: 'https://evil.example', 'access-control-request-method': 'DELETE' };
    assert.equal(
      (await call(server, 'OPTIONS', preflight)).headers['access-control-allow-origin'],
      undefined,
    );
  });

  it('sends its security headers with every answer: errors, streams, and what is no request', async () => {
    const stream = await fetch(`${server.url}/events`, { headers: { accept: 'text/event-stream' } });
    const answers: [string, number, Headers | IncomingHttpHeaders][] = [
      ['an answer', 200, (await call(server, 'GET', {})).headers],
      ['an unknown route', 404, (await call(server, 'GET', {}, '/nothing/there')).headers],
      ['a refusal', 403, (await call(server, 'GET', { host: 'evil.example' })).headers],
      ['a broken URL', 400, (await call(server, 'GET', {}, '/status/%zz')).headers],
      ['a stream', 200, stream.headers],
      ['no request', 400, await headersOfBrokenRequest(server)],
    ];
    await stream.body?.cancel();
    for (const [name, , headers] of answers) {
      const get = (header: string) => (headers instanceof Headers ? headers.get(header) : headers[header]);
      assert.match(
        String(get('content-security-policy')),
        /default-src 'none'.*frame-ancestors 'none'/,
        name,
      );
      assert.equal(get('x-content-type-options'), 'nosniff', name);
      assert.equal(get('referrer-policy'), 'no-referrer', name);
    }
  });

  it('ends a request whose headers do not arrive', { timeout: 20_000 }, async () => {
    const socket = connect(port(server), '127.0.0.1');
    socket.write('GET /sessions HTTP/1.1\r\nhost: localhost\r\n');
    assert.match(await text(socket), /^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
  });
});

async function headersOfBrokenRequest(server: TestServer): Promise<IncomingHttpHeaders> {
  const socket = connect(port(server), '127.0.0.1');
  socket.write('nonsense\r\n\r\n');
  const [head = ''] = (await text(socket)).split('\r\n\r\n');
  return Object.fromEntries(
    head
      .split('\r\n')
      .slice(1)
      .map((line) => line.split(': ') as [string, string]),
  );
}

describe('a server with listed origins', () => {
  it('lets pages of these sites ask and read, without cookies, and no others', async () => {
    await using server = await startTestServer({ config: { corsOrigins: ['https://console.example'] } });
    const origin = 'https://console.example';
    const preflight = await call(server, 'OPTIONS', {
      origin,
      'access-control-request-method': 'PATCH',
      'access-control-request-headers': 'authorization, content-type, idempotency-key',
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], origin);
    assert.match(String(preflight.headers['access-control-allow-methods']), /PATCH/);
    assert.match(String(preflight.headers['access-control-allow-headers']), /authorization/);
    assert.equal(preflight.headers['access-control-allow-credentials'], undefined);
    const { status, headers } = await call(server, 'GET', { origin, 'sec-fetch-site': 'cross-site' });
    assert.deepEqual([status, headers['access-control-allow-origin']], [200, origin]);
    assert.notEqual((await call(server, 'DELETE', { origin, 'sec-fetch-site': 'cross-site' })).status, 403);
    const stream = await fetch(`${server.url}/events`, { headers: { origin } });
    assert.equal(stream.headers.get('access-control-allow-origin'), origin);
    await stream.body?.cancel();
    for (const foreign of [
      'https://evil.console.example',
      'http://console.example',
      'https://console.example:8443',
    ]) {
      assert.equal((await call(server, 'GET', { origin: foreign })).status, 403, foreign);
    }
  });
});

describe('a server that others can reach', () => {
  const health = async (server: TestServer, headers: Record<string, string>): Promise<number> =>
    (await call(server, 'GET', headers, '/healthz')).status;

  it('answers to any name, for all its routes need a key, or to those that are listed and to addresses', async () => {
    {
      await using server = await startTestServer({ config: { host: '0.0.0.0' } });
      assert.equal(await health(server, { host: 'anything.example' }), 200);
      assert.equal((await call(server, 'GET', { host: 'anything.example' })).status, 401);
    }
    const config = { host: '0.0.0.0', allowedHosts: ['agents.example'] };
    await using server = await startTestServer({ config });
    for (const host of ['agents.example', '10.1.2.3:8000', '[fd00::1]']) {
      assert.equal(await health(server, { host }), 200, host);
    }
    assert.equal(await health(server, { host: 'evil.example' }), 403);
  });

  it('takes the word of the proxies that it trusts for its name and for the address of the client', async () => {
    const config = { trustProxy: ['127.0.0.0/8'], allowedHosts: ['agents.example'] };
    await using server = await startTestServer({ config });
    const forwarded = { 'x-forwarded-host': 'agents.example', origin: 'https://agents.example' };
    assert.equal(await health(server, forwarded), 200);
    assert.equal(await health(server, { 'x-forwarded-host': 'evil.example' }), 403);
    await call(server, 'GET', { ...forwarded, 'x-forwarded-for': '6.6.6.6, 192.0.2.7' });
    const { db } = server.context.database;
    const entries = await db.selectFrom('audit_log').select(['ip', 'status']).orderBy('id', 'desc').execute();
    assert.deepEqual(entries[0], { ip: '192.0.2.7', status: 401 });
  });
});

async function openStream(server: TestServer): Promise<Socket> {
  const socket = connect(port(server), '127.0.0.1');
  socket.write('GET /events HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [begin] = (await once(socket, 'data')) as [Buffer];
  assert.match(begin.toString(), /^HTTP\/1\.1 200 /);
  return socket;
}

describe('a server with a limit of connections', () => {
  it('answers those over it with 429, streams counted, and takes new ones when some have ended', async () => {
    await using server = await startTestServer({ config: { maxConnectionsPerIp: 2 } });
    const streams = await Promise.all([openStream(server), openStream(server)]);
    const refused = await call(server, 'GET', {});
    assert.deepEqual([refused.status, JSON.parse(refused.body).code], [429, 'overloaded']);
    assert.equal(refused.headers['retry-after'], '5');
    streams[0].destroy();
    await until('there is room again', async () => (await call(server, 'GET', {})).status === 200);
    streams[1].destroy();
  });
});
