import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Accounts, Standing } from '../../src/engine/gateway/accounts.ts';
import { type GatewayAccess, type GatewayClient, ModelGateway } from '../../src/engine/gateway/gateway.ts';
import type { RequestLimits } from '../../src/engine/gateway/request-room.ts';
import { configuredUpstream } from '../../src/engine/gateway/upstream.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { temporaryDirectory } from '../support/harness.ts';

const MEGABYTE = 1024 * 1024;
const MESSAGES = '/v1/messages';
const COUNT = '/v1/messages/count_tokens';
const BODY = '{"model":"m","max_tokens":100}';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesInUse(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

type Asked = { path?: string; body?: string | Buffer; headers?: Record<string, string>; socketPath?: string };

describe('what an agent asks of the model gateway', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let reached: string[] = [];
  /** Answers at once, unless a test says otherwise. */
  const atOnce = (_body: string, response: ServerResponse): void => void response.end('answered');
  let answer = atOnce;
  const api = createServer(async (received, response) => {
    const body = await text(received);
    reached.push(body);
    answer(body, response);
  });
  let standing: Standing = { verdict: 'good' };
  const accounts: Accounts = {
    standing: async () => standing,
    admit: async () => ({ verdict: 'admitted', requestId: 'a-request' }),
    settle: () => {},
    settled: async () => {},
  };
  const agent = new Agent({ maxSockets: 100 });
  let count = 0;

  before(async () => {
    directory = await temporaryDirectory();
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
  });
  after(async () => {
    agent.destroy();
    api.closeAllConnections();
    api.close();
    await directory[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    reached = [];
    answer = atOnce;
    standing = { verdict: 'good' };
  });

  const start = async (limits: Partial<RequestLimits> = {}, memory = 512 * MEGABYTE) => {
    const gateway = new ModelGateway({
      upstream: configuredUpstream({
        anthropicApiKey: 'k',
        anthropicAuthToken: null,
        anthropicBaseUrl: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
        modelIdleTimeout: null,
      }),
      accounts,
      limits,
      memory,
      logger: createSilentLogger(),
    });
    await gateway.start();
    const admit = async (
      client: Partial<GatewayClient> = {},
    ): Promise<GatewayAccess & { socketPath: string }> => {
      const socketPath = join(directory.path, `${++count}.sock`);
      const session = { tenantId: 'default', sessionId: `session-${count}`, fence: 1, allowedHosts: [] };
      return { ...(await gateway.admit({ ...session, socketPath, ...client })), socketPath };
    };
    return { admit, [Symbol.asyncDispose]: async () => await gateway[Symbol.asyncDispose]() };
  };

  const open = ({ path = MESSAGES, headers = {}, socketPath = '' }: Asked) =>
    request({ socketPath, path, method: 'POST', agent, headers });
  const answerOf = async (sent: ReturnType<typeof open>) => {
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, headers: response.headers, text: await text(response) };
  };
  const ask = async (asked: Asked) => {
    const body = asked.body ?? BODY;
    const length = { 'content-length': String(Buffer.byteLength(body)) };
    const sent = open({ ...asked, headers: { ...length, ...asked.headers } });
    sent.end(body);
    return await answerOf(sent);
  };

  it('is read strictly: 400 for what another parser might read in another way', async () => {
    await using gateway = await start();
    const { socketPath } = await gateway.admit();
    const bodies = [
      ...[
        '{"model":"dear","model":"cheap"}',
        '{"model":"dear","\\u006dodel":"cheap"}',
        '{"model":"m",}',
        `${BODY} x`,
      ],
      ...[`\ufeff${BODY}`, Buffer.from(BODY, 'utf16le'), Buffer.from('{"model":"m","x":"\xff"}', 'latin1')],
      ...[`{"model":"m","x":${'['.repeat(1000)}${']'.repeat(1000)}}`, '{"model":"m","max_tokens":1e99}', ''],
      ...['{"model":"m","max_tokens":"5"}', '{"model":"m\\n"}', '{"model":"m","fallbacks":[{"model":""}]}'],
    ];
    for (const path of [MESSAGES, COUNT]) {
      for (const body of bodies) {
        assert.equal((await ask({ path, body, socketPath })).status, 400, String(body).slice(0, 50));
      }
    }
    assert.deepEqual(reached, []);
    assert.equal((await ask({ socketPath })).status, 200);
    assert.deepEqual(reached, [BODY]);
  });

  it('announces its length, and is not compressed', async () => {
    await using gateway = await start();
    const { socketPath } = await gateway.admit();
    const chunked = open({ socketPath, headers: { 'transfer-encoding': 'chunked' } });
    chunked.end(BODY);
    assert.equal((await answerOf(chunked)).status, 411);
    assert.equal((await ask({ socketPath, headers: { 'content-encoding': 'gzip' } })).status, 415);
    assert.deepEqual(reached, []);
  });

  it('does not take the server’s memory, however many bodies are sent side by side', async () => {
    await using gateway = await start({ patienceMs: 200 });
    const { socketPath } = await gateway.admit();
    const piece = Buffer.alloc(39 * MEGABYTE, ' ');
    const before = bytesInUse();
    const headers = { 'content-length': String(40 * MEGABYTE) };
    const sent = Array.from({ length: 24 }, () => open({ socketPath, headers }).on('error', () => {}));
    let refused = 0;
    const allOthers = Promise.withResolvers<void>();
    for (const one of sent) {
      one.write(piece);
      void answerOf(one).then(
        ({ status, headers }) => {
          assert.deepEqual([status, headers['retry-after']], [429, '5']);
          refused += 1;
          if (refused === sent.length - 1) allOthers.resolve();
        },
        () => {},
      );
    }
    // One has room, and the others are told to come again.
    await allOthers.promise;
    const grown = bytesInUse() - before;
    assert.ok(grown < 64 * MEGABYTE, `${(grown / MEGABYTE).toFixed()} MB more`);
    for (const one of sent) one.destroy();
  });

  it('does not keep the server from its other work, whatever its body is made of', async () => {
    await using gateway = await start();
    const { socketPath } = await gateway.admit();
    const of = (part: string, size: number): string => part.repeat(size / part.length);
    const bodies = {
      'keys of the body': `{"model":"m"${Array.from({ length: 1e6 }, (_, index) => `,"${index}":0`).join('')}}`,
      'keys of an input': `{"model":"m","x":[{"input":{"a":0${of(',"0":0', 10e6)}}}]}`,
      'keys elsewhere': `{"model":"m","x":[{"a":0${of(',"0":0', 10e6)}}]}`,
      'open arrays': `{"model":"m","x":${of('[', 10e6)}`,
      'small objects': `{"model":"m","x":[{}${of(',{"type":"a"}', 10e6)}]}`,
    };
    for (const [name, body] of Object.entries(bodies)) {
      const bytes = Buffer.from(body);
      const answered = ask({ path: COUNT, body: bytes, socketPath });
      let isAnswered = false;
      void answered.finally(() => {
        isAnswered = true;
      });
      let [longest, last] = [0, process.cpuUsage()];
      while (!isAnswered) {
        await immediate();
        // Time of the processor, not of the clock: the machine has other work too.
        const used = process.cpuUsage(last);
        longest = Math.max(longest, (used.user + used.system) / 1000);
        last = process.cpuUsage();
      }
      const { status } = await answered;
      assert.ok(status === 200 || status === 400, `${name}: ${status}`);
      assert.ok(longest < 250, `${name}: ${longest.toFixed()} ms at once`);
    }
  });

  it('may take its time, but not for ever: 408 for a body that does not come', async () => {
    await using gateway = await start({ bodyMs: 50 });
    const { socketPath } = await gateway.admit();
    const sent = open({ socketPath, headers: { 'content-length': '1000' } });
    sent.write('{"model":');
    assert.equal((await answerOf(sent)).status, 408);
    sent.on('error', () => {}).destroy();
    assert.equal((await ask({ socketPath })).status, 200, 'and it holds up nobody');
  });

  it('has so many requests and connections, and is not in the way of other agents', async () => {
    await using gateway = await start({ requests: 2, connections: 3, patienceMs: 50 });
    const [{ socketPath }, other] = [await gateway.admit(), await gateway.admit()];
    const held: ServerResponse[] = [];
    const areHeld = Promise.withResolvers<void>();
    answer = (_body, response) => {
      if (held.push(response) === 2) areHeld.resolve();
    };
    const first = [ask({ socketPath }), ask({ socketPath })];
    await areHeld.promise;
    answer = atOnce;
    const third = await ask({ socketPath });
    assert.deepEqual([third.status, third.headers['retry-after']], [429, '5']);
    assert.equal((await ask(other)).status, 200);
    const idle = connect(socketPath);
    await once(idle, 'connect');
    await once(connect(socketPath).resume(), 'close');
    assert.equal(idle.closed, false);
    idle.destroy();
    await once(idle, 'close');
    const waiting = ask({ socketPath, path: COUNT });
    for (const response of held) response.end('answered');
    assert.deepEqual(
      (await Promise.all([...first, waiting])).map(({ status }) => status),
      [200, 200, 200],
    );
  });

  it('may not pile up, though one connection brings them all', async () => {
    await using gateway = await start({ requests: 1, waiting: 2 });
    const { socketPath } = await gateway.admit();
    const held = Promise.withResolvers<ServerResponse>();
    answer = (_body, response) => held.resolve(response);
    const client = connect(socketPath);
    const head = `POST ${MESSAGES} HTTP/1.1\r\nhost: gateway\r\ncontent-length: ${BODY.length}\r\n`;
    for (let index = 0; index < 4; index++) client.write(`${head}\r\n${BODY}`);
    client.write(`${head}connection: close\r\n\r\n${BODY}`);
    const first = await held.promise;
    answer = atOnce;
    first.end();
    const statuses = (await text(client)).match(/HTTP\/1\.1 \d+/g);
    assert.deepEqual(
      statuses,
      ['200', '200', '200', '429', '429'].map((status) => `HTTP/1.1 ${status}`),
    );
  });

  it('shares what the server has for bodies with all agents', async () => {
    await using gateway = await start({ patienceMs: 50 }, 1000);
    const [one, other] = [await gateway.admit(), await gateway.admit()];
    const held = Promise.withResolvers<ServerResponse>();
    answer = (_body, response) => held.resolve(response);
    const body = `{"model":"m","x":"${'x'.repeat(600)}"}`;
    const first = ask({ ...one, body });
    const response = await held.promise;
    answer = atOnce;
    assert.equal((await ask({ ...other, body })).status, 429);
    assert.equal((await ask(other)).status, 200, 'small ones have room');
    response.end();
    await first;
    assert.equal((await ask({ ...other, body })).status, 200);
  });

  it('is refused before its body is read where a budget is spent, to count tokens too', async () => {
    await using gateway = await start();
    const { socketPath } = await gateway.admit();
    standing = { verdict: 'exceeded', message: 'All is spent.' };
    const large = open({ socketPath, headers: { 'content-length': String(30 * MEGABYTE) } });
    large.write('{');
    assert.equal((await answerOf(large)).status, 402);
    large.on('error', () => {}).destroy();
    assert.equal((await ask({ socketPath, path: COUNT })).status, 402);
    assert.equal((await ask({ socketPath })).status, 402, 'small ones too, after the first that was refused');
    standing = { verdict: 'good' };
    assert.equal((await ask({ socketPath })).status, 200);
  });

  it('reaches no further than its session may, by way of the model API', async () => {
    await using gateway = await start();
    const isolated = await gateway.admit({ allowedHosts: ['*.docs.example'] });
    const open = await gateway.admit({ allowedHosts: null });
    const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 8 };
    const image = { type: 'image', source: { type: 'url', url: 'https://a.example/x.png' } };
    const bodies = [
      { tools: [search] },
      { messages: [{ role: 'user', content: [image] }] },
      { mcp_servers: [] },
    ];
    for (const path of [MESSAGES, COUNT]) {
      for (const extra of bodies) {
        const body = JSON.stringify({ model: 'm', max_tokens: 1, ...extra });
        const refused = await ask({ ...isolated, path, body });
        assert.equal(refused.status, 403);
        assert.match(
          refused.text,
          /"permission_error".*Greenroom: .*(isolated agents|network\.allowed_hosts)/,
        );
        assert.equal((await ask({ ...open, path, body })).status, 200);
      }
    }
    assert.equal(reached.length, 6);
    const tools = [{ ...search, allowed_domains: ['api.docs.example'] }];
    assert.equal((await ask({ ...isolated, body: JSON.stringify({ model: 'm', tools }) })).status, 200);
  });
});
