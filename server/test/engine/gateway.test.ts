import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import type { Accounts, Admission, SettledFree, Standing, Used } from '../../src/engine/gateway/accounts.ts';
import { type GatewayAccess, type GatewayClient, ModelGateway } from '../../src/engine/gateway/gateway.ts';
import { configuredUpstream, modelUpstreams } from '../../src/engine/gateway/upstream.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { temporaryDirectory } from '../support/harness.ts';

/** Comes over loopback, with a token. */
function client(sessionId: string): GatewayClient {
  return { tenantId: 'default', sessionId, fence: 1, socketPath: null, allowedHosts: null };
}

/** Admits what the test says, and keeps what it is told. `usage.test.ts` has the real ones. */
function listeningAccounts() {
  const settled: (Used | SettledFree)[] = [];
  const state: { admission: Admission; standing: Standing } = {
    admission: { verdict: 'admitted', requestId: 'a-request' },
    standing: { verdict: 'good' },
  };
  const waiting: (() => void)[] = [];
  const accounts: Accounts = {
    standing: async () => state.standing,
    admit: async () => state.admission,
    settle: (_request, used) => {
      settled.push(used);
      waiting.shift()?.();
    },
    settled: async () => {},
  };
  /** What the next request to end used. */
  const next = async (): Promise<Used | SettledFree | undefined> => {
    const told = Promise.withResolvers<void>();
    waiting.push(told.resolve);
    await told.promise;
    return settled.at(-1);
  };
  return { accounts, state, settled, next };
}

const BODY = '{"model":"claude-haiku-4-5","max_tokens":100}';

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

describe('the model gateway', () => {
  let handle: Handler = () => {};
  const api = createServer((request, response) => void handle(request, response));
  const books = listeningAccounts();
  let gateway: ModelGateway;
  let access: GatewayAccess;

  before(async () => {
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
    const upstream = configuredUpstream({
      anthropicApiKey: 'the-real-key',
      anthropicAuthToken: null,
      anthropicBaseUrl: `http://127.0.0.1:${(api.address() as AddressInfo).port}/prefix`,
      modelIdleTimeout: 100,
    });
    gateway = new ModelGateway({
      upstream,
      accounts: books.accounts,
      logger: createSilentLogger(),
      firstByteMs: 400,
    });
    await gateway.start();
    access = await gateway.admit(client('a-session'));
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    api.closeAllConnections();
    api.close();
  });

  const send = async (
    path: string,
    options: { token?: string; body?: Uint8Array | string; method?: string } = {},
  ) =>
    await fetch(access.url + path, {
      method: options.method ?? 'POST',
      headers: {
        'x-api-key': options.token ?? access.token,
        'anthropic-beta': 'a,b',
        'anthropic-workspace-id': 'wrkspc_another',
        'content-type': 'application/json',
      },
      ...(options.method === 'GET' ? {} : { body: options.body ?? BODY }),
    });

  it('passes bodies byte for byte both ways, with the real key instead of the session token', async () => {
    const sent = Buffer.from('{"model" : "m",\n "a":"\\u00e9 é" }');
    const answer = Buffer.from('event: x\ndata: {"weird" :  true}\n\n');
    const received = Promise.withResolvers<{ body: Buffer; request: IncomingMessage }>();
    handle = async (request, response) => {
      received.resolve({ body: await buffer(request), request });
      response.writeHead(200, { 'content-type': 'text/event-stream', 'request-id': 'r1' }).end(answer);
    };
    const response = await send('/v1/messages?beta=true', { body: sent });
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), answer);
    assert.equal(response.headers.get('request-id'), 'r1');
    const { body, request } = await received.promise;
    assert.deepEqual(body, sent);
    assert.equal(request.url, '/prefix/v1/messages?beta=true');
    assert.equal(request.headers['x-api-key'], 'the-real-key');
    assert.equal(request.headers['anthropic-beta'], 'a,b');
    assert.equal(request.headers['anthropic-workspace-id'], undefined);
    assert.doesNotMatch(JSON.stringify(request.rawHeaders), new RegExp(access.token));
  });

  it('answers 403 to unknown tokens, to ended sessions and to every other path or method', async () => {
    handle = (_request, response) => response.end('reached the model API');
    const ended = await gateway.admit(client('ended'));
    ended.revoke();
    const refused = await Promise.all([
      send('/v1/messages', { token: 'wrong' }),
      send('/v1/messages', { token: ended.token }),
      send('/v1/files'),
      send('/v1/messages/batches'),
      send('/v1/messages/../files'),
      send('/v1/messages', { method: 'GET' }),
    ]);
    for (const response of refused) {
      assert.equal(response.status, 403);
      assert.equal(((await response.json()) as { error: { type: string } }).error.type, 'permission_error');
    }
    assert.equal((await send('/v1/messages/count_tokens')).status, 200);
  });

  it('gives a client a socket of its own, where nobody else is answered and no token is needed', async () => {
    handle = (_request, response) => response.end('reached the model API');
    await using directory = await temporaryDirectory();
    const socketPath = join(directory.path, 'gateway.sock');
    const ask = async (path: string): Promise<number | undefined> => {
      const sent = request({ socketPath, path, method: 'POST', agent: false }).end(BODY);
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      answer.resume();
      return answer.statusCode;
    };
    const first = await gateway.admit({ ...client('first'), socketPath });
    assert.equal(await ask('/v1/messages'), 200);
    assert.equal(await ask('/v1/files'), 403);
    assert.equal((await send('/v1/messages', { token: first.token })).status, 403);
    first.revoke();
    await assert.rejects(ask('/v1/messages'));
    // What a killed server left there is in nobody's way.
    await writeFile(socketPath, '');
    const second = await gateway.admit({ ...client('second'), socketPath });
    assert.equal(await ask('/v1/messages'), 200);
    second.revoke();
  });

  it('passes errors of the model API through with status, headers and body', async () => {
    handle = (_request, response) => response.writeHead(429, { 'retry-after': '7' }).end('{"type":"error"}');
    const response = await send('/v1/messages');
    assert.equal(response.status, 429);
    assert.equal(response.headers.get('retry-after'), '7');
    assert.equal(await response.text(), '{"type":"error"}');
  });

  it('passes an answer through that comes before the model API has read the body', async () => {
    handle = (request, response) => {
      response.writeHead(413, { connection: 'close' }).end('{"type":"error"}');
      response.on('finish', () => request.socket.destroy());
    };
    const body = JSON.stringify({ ...JSON.parse(BODY), system: 'x'.repeat(20_000_000) });
    const response = await send('/v1/messages', { body });
    assert.equal(response.status, 413);
    assert.equal(await response.text(), '{"type":"error"}');
  });

  it('cuts a stream that falls silent', async () => {
    handle = (_request, response) => response.writeHead(200).write('first piece');
    const response = await send('/v1/messages');
    await assert.rejects(response.text());
  });

  it('waits longer for an answer to begin than one may be silent in its middle', async () => {
    handle = async (_request, response) => {
      response.writeHead(200).flushHeaders();
      await delay(200);
      response.end('it thought');
    };
    assert.equal(await (await send('/v1/messages')).text(), 'it thought');
    handle = async (_request, response) => {
      await delay(200);
      response.end('it thought');
    };
    assert.equal(await (await send('/v1/messages')).text(), 'it thought');
  });

  it('says 504 to an answer that does not begin', async () => {
    handle = () => {};
    const response = await send('/v1/messages');
    assert.equal(response.status, 504);
    assert.match(await response.text(), /the model API was silent for 0\.4 s/);
  });

  it('ends the request to the model API when the agent goes away, or loses its access', async () => {
    const closed: Promise<unknown>[] = [];
    const reached = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    handle = (_request, response) => {
      closed.push(once(response, 'close'));
      reached[closed.length - 1]?.resolve();
    };
    const abort = new AbortController();
    const first = fetch(`${access.url}/v1/messages`, {
      method: 'POST',
      body: BODY,
      headers: { 'x-api-key': access.token },
      signal: abort.signal,
    });
    await reached[0]?.promise;
    abort.abort();
    await assert.rejects(first);
    const other = await gateway.admit(client('other'));
    const second = send('/v1/messages', { token: other.token });
    await reached[1]?.promise;
    other.revoke();
    await Promise.all([...closed, second.catch(() => {})]);
  });

  it('says 402 where a budget is spent, 403 where the activation is stale, 429 where it waited too long', async () => {
    handle = () => assert.fail('reached the model API');
    const { state } = books;
    const before = { ...state };
    const refused = async (admission: Admission) => {
      state.admission = admission;
      const response = await send('/v1/messages');
      const { error } = (await response.json()) as { error: { type: string; message: string } };
      return { status: response.status, type: error.type, message: error.message };
    };
    assert.deepEqual(await refused({ verdict: 'exceeded', message: 'All is spent.' }), {
      status: 402,
      type: 'billing_error',
      message: 'Greenroom: All is spent.',
    });
    assert.equal(access.spentBudget, 'All is spent.');
    assert.equal((await refused({ verdict: 'stale' })).status, 403);
    assert.equal(access.spentBudget, null);
    assert.equal((await refused({ verdict: 'busy' })).status, 429);
    state.standing = { verdict: 'stale' };
    assert.equal((await send('/v1/messages/count_tokens')).status, 403);
    Object.assign(state, before);
  });

  it('tells what an answer used before the agent has its last byte', async () => {
    const finish = Promise.withResolvers<void>();
    handle = async (_request, response) => {
      const usage = { input_tokens: 7, output_tokens: 9 };
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(
        `data: ${JSON.stringify({ type: 'message_start', message: { model: 'm', usage } })}\n\n`,
      );
      // In two pieces, as the network has it; and not with the first figure that it says.
      response.write('data: {"type":"message_delta","usage":{"output_tokens":1}}\n\n');
      response.write('data: {"type":"message_delta","usage":{"out');
      setImmediate(() => response.write('put_tokens":11}}\n\ndata: {"type":"message_stop"}\n\n'));
      await finish.promise;
      response.end();
    };
    const used = books.next();
    const response = await send('/v1/messages');
    const told = await used;
    assert.ok(told !== undefined && 'tokens' in told);
    assert.deepEqual([told.model, told.tokens.input, told.tokens.output], ['m', 7, 11]);
    assert.equal(told.isEstimated, false);
    const before = books.settled.length;
    finish.resolve();
    await response.text();
    assert.equal(books.settled.length, before, 'and tells it once');
  });

  it('answers 400 to what names no model, and 413 to what is over 40 MB', async () => {
    handle = () => assert.fail('reached the model API');
    for (const body of ['', 'no JSON', '[]', '{"model":7}']) {
      assert.equal((await send('/v1/messages', { body })).status, 400, body);
    }
    const large = await send('/v1/messages', { body: Buffer.alloc(40 * 1024 * 1024 + 1, ' ') });
    assert.equal(large.status, 413);
  });

  it('says 502 when the model API cannot be reached', async () => {
    const upstream = configuredUpstream({
      anthropicApiKey: 'k',
      anthropicAuthToken: null,
      anthropicBaseUrl: 'http://127.0.0.1:1',
      modelIdleTimeout: null,
    });
    await using unreachable = new ModelGateway({
      upstream,
      accounts: listeningAccounts().accounts,
      logger: createSilentLogger(),
    });
    await unreachable.start();
    const { url, token } = await unreachable.admit(client('s'));
    const response = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      body: BODY,
      headers: { 'x-api-key': token },
    });
    assert.equal(response.status, 502);
  });
});

describe('a gateway with several model APIs', () => {
  it('asks the one that a pattern of the model names, with its key; refuses models that are not allowed', async () => {
    await using stack = new AsyncDisposableStack();
    const lines: string[] = [];
    const startApi = async (name: string): Promise<string> => {
      const api = createServer((request, response) => {
        const { authorization, 'x-api-key': key } = request.headers;
        request.resume().on('end', () => response.end([name, key ?? authorization].join(' ')));
      });
      api.listen(0, '127.0.0.1');
      await once(api, 'listening');
      stack.defer(() => {
        api.closeAllConnections();
        api.close();
      });
      return `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
    };
    const [main, second] = [await startApi('main'), await startApi('second')];
    const logger = pino({ level: 'trace' }, { write: (line) => lines.push(line) });
    const token = { apiKey: null, authToken: 'second-token' };
    const key = { apiKey: 'away-key', authToken: null };
    const gateway = stack.use(
      new ModelGateway({
        upstream: configuredUpstream({
          anthropicApiKey: 'main-key',
          anthropicAuthToken: null,
          anthropicBaseUrl: main,
          modelIdleTimeout: null,
        }),
        upstreams: modelUpstreams({
          upstreams: [
            { models: ['glm-*', 'qwen*'], baseUrl: second, ...token, idleTimeout: null },
            { models: ['away'], baseUrl: 'http://127.0.0.1:1', ...key, idleTimeout: null },
          ],
          modelIdleTimeout: null,
        }),
        allowedModels: ['claude-*', 'glm-4*', 'away'],
        accounts: listeningAccounts().accounts,
        logger,
      }),
    );
    await gateway.start();
    const access = await gateway.admit(client('s'));
    const ask = async (model: string): Promise<[number, string]> => {
      const body = JSON.stringify({
        model,
        max_tokens: 1,
        messages: [{ role: 'user', content: 'a secret' }],
      });
      const headers = { 'x-api-key': access.token };
      const response = await fetch(`${access.url}/v1/messages`, { method: 'POST', body, headers });
      return [response.status, await response.text()];
    };
    assert.deepEqual(await ask('claude-opus-5'), [200, 'main main-key']);
    assert.deepEqual(await ask('glm-4.6'), [200, 'second Bearer second-token']);
    for (const model of ['glm-5', 'qwen3', 'gpt-5']) assert.equal((await ask(model))[0], 403, model);
    assert.equal((await ask('away'))[0], 502);
    assert.ok(lines.length > 0, 'the end of the last one is logged');
    assert.doesNotMatch(lines.join(''), /main-key|second-token|away-key|a secret/);
    assert.ok(!lines.join('').includes(access.token));
  });
});
