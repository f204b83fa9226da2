import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { startTestServer, type TestServer } from './harness.ts';

describe('a server on loopback', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ config: { allowedHosts: ['agents.example'] } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  const call = async (method: string, headers: Record<string, string>): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    request(`${server.url}/sessions`, { method, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
    return await promise;
  };

  it('answers to names of this machine and to those it was given, and to no other', async () => {
    for (const host of ['localhost:1', '127.0.0.1', '[::1]:80', 'app.localhost', 'agents.example:8000']) {
      assert.equal(await call('GET', { host }), 200, host);
    }
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1']) {
      assert.equal(await call('GET', { host }), 403, host);
    }
  });

  it('lets pages of other sites change nothing', async () => {
    assert.equal(await call('DELETE', { 'sec-fetch-site': 'cross-site' }), 403);
    assert.notEqual(await call('DELETE', { 'sec-fetch-site': 'same-origin' }), 403);
    assert.equal(await call('GET', { 'sec-fetch-site': 'cross-site' }), 200);
  });
});
