import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { createSilentLogger } from '../../ground/log.ts';
import { noProxies } from '../../ground/util/outgoing-proxy.ts';
import { Forwarder } from './forwarder.ts';
import { OutgoingConnections } from './outgoing.ts';
import { demoUpstream } from './upstream.ts';
import { UpstreamLog } from './upstream-log.ts';

async function listen(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<{ server: Server; url: URL }> {
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`) };
}

describe('forwarding a model request', () => {
  it('is over when the agent goes away between the answer and its first byte, all of which has come', async () => {
    const api = await listen((_request, response) => response.end('{"type":"message"}'));
    await using connections = new OutgoingConnections(noProxies);
    const log = new UpstreamLog(createSilentLogger(), connections);
    const forwarder = new Forwarder({ connections, log, firstByteMs: 60_000 });
    const ended = Promise.withResolvers<void>();
    const gateway = await listen((request, response) => {
      const abort = new AbortController();
      response.on('close', () => abort.abort());
      const writeHead = response.writeHead.bind(response) as (status: number) => ServerResponse;
      response.writeHead = (status: number) => {
        // As its server tells it that the connection is gone, and before anything else.
        process.nextTick(() => {
          response.destroyed = true;
          response.emit('close');
        });
        return writeHead(status);
      };
      const asked = { model: 'a-model', maxTokens: 1, isStream: false, bytes: Buffer.from('{}') };
      const work = forwarder.forward(
        {
          request,
          response,
          asked,
          url: new URL('http://gateway/v1/messages'),
          upstream: demoUpstream(api.url.href),
          signal: abort.signal,
          onByte: () => {},
        },
        null,
      );
      ended.resolve(work);
    });
    const sent = httpRequest(gateway.url, { method: 'POST', agent: false }).end('{}');
    sent.on('error', () => {});
    await assert.rejects(ended.promise);
    sent.destroy();
    for (const { server } of [api, gateway]) {
      server.closeAllConnections();
      server.close();
    }
  });
});
