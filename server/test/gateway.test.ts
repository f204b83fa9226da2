import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { type GatewayAccess, type GatewayClient, ModelGateway } from '../src/gateway/gateway.ts';
import { configuredUpstream } from '../src/gateway/upstream.ts';
import { createSilentLogger } from '../src/log.ts';
import { temporaryDirectory } from './harness.ts';

/** Comes over loopback, with a token. */
function client(sessionId: string): GatewayClient {
  return { tenantId: 'default', sessionId, fence: 1, socketPath: null };
}

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

describe('the model gateway', () => {
  let handle: Handler = () => {};
  const api = createServer((request, response) => void handle(request, response));
  let gateway: ModelGateway;
  let access: GatewayAccess;

  before(async () => {
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
    const upstream = configuredUpstream({
      anthropicApiKey: 'the-real-key',
      anthropicAuthToken: null,
      anthropicBaseUrl: `http://127.0.0.1:${(api.address() as AddressInfo).port}/prefix`,
    });
    gateway = new ModelGateway({ upstream, logger: createSilentLogger(), streamIdleMs: 100 });
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
        'content-type': 'application/json',
      },
      ...(options.method === 'GET' ? {} : { body: options.body ?? '{}' }),
    });

  it('passes bodies byte for byte both ways, with the real key instead of the session token', async () => {
    const sent = Buffer.from('{"b" : 1,\n "a":"\\u00e9 é" }');
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
      const sent = request({ socketPath, path, method: 'POST', agent: false }).end('{}');
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

  it('cuts a stream that falls silent', async () => {
    handle = (_request, response) => response.writeHead(200).write('first piece');
    const response = await send('/v1/messages');
    await assert.rejects(response.text());
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
      body: '{}',
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

  it('says 502 when the model API cannot be reached', async () => {
    const upstream = configuredUpstream({
      anthropicApiKey: 'k',
      anthropicAuthToken: null,
      anthropicBaseUrl: 'http://127.0.0.1:1',
    });
    await using unreachable = new ModelGateway({ upstream, logger: createSilentLogger() });
    await unreachable.start();
    const { url, token } = await unreachable.admit(client('s'));
    const response = await fetch(`${url}/v1/messages`, {
      method: 'POST',
      body: '{}',
      headers: { 'x-api-key': token },
    });
    assert.equal(response.status, 502);
  });
});
