import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { readCloud } from '../../src/ground/config/cloud.ts';
import { startTestServer } from '../support/harness.ts';

/** Takes the place of the cloud, which refuses everything. */
async function startCloud() {
  const asked = Promise.withResolvers<IncomingMessage>();
  const cloud = createServer((request, response) => {
    if (request.url?.startsWith('/model/')) asked.resolve(request);
    request.resume();
    response.writeHead(403, { 'content-type': 'application/json' });
    response.end('{"message":"not authorized"}');
  });
  cloud.listen(0, '127.0.0.1');
  await once(cloud, 'listening');
  return {
    url: `http://127.0.0.1:${(cloud.address() as AddressInfo).port}`,
    asked: asked.promise,
    [Symbol.dispose]: () => {
      cloud.closeAllConnections();
      cloud.close();
    },
  };
}

const credentials = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'AKIAEXAMPLEEXAMPLE00',
  AWS_SECRET_ACCESS_KEY: 'an-example-of-a-secret',
  HOME: '/home/of/the/operator',
  DATABASE_URL: 'postgres://secret',
};

describe('a cloud that agents ask themselves', () => {
  it('is asked with the credentials of the server, past the gateway, and budgets are refused', async () => {
    using bedrock = await startCloud();
    const cloud = readCloud('bedrock', { ...credentials, ANTHROPIC_BEDROCK_BASE_URL: bedrock.url });
    await using server = await startTestServer({ config: { cloud, isolation: 'none' } });
    const id = await server.execute({
      prompt: 'hello',
      model: 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    });
    const request = await bedrock.asked;
    assert.match(request.url ?? '', /^\/model\/eu\.anthropic\.claude-sonnet-4-5.*\/invoke/);
    assert.match(request.headers.authorization ?? '', /^AWS4-HMAC-SHA256 Credential=AKIAEXAMPLEEXAMPLE00\//);
    const status = await server.ended(id);
    assert.equal(status.status, 'error');
    assert.match(status.error ?? '', /403|not authorized/i);

    const limited = await server.request('POST', '/execute/', { prompt: 'hello', max_budget_usd: 1 });
    assert.deepEqual([limited.status, limited.body.code], [409, 'not_supported']);
    const patched = await server.request('PATCH', `/sessions/${id}`, { max_budget_usd: 1 });
    assert.equal(patched.status, 409);
    const budget = await server.request('PUT', '/budgets/tenant/day', { limit_usd: 1 });
    assert.equal(budget.status, 409);
    const ready = await server.request('GET', '/readyz');
    assert.match(ready.body.model, /Amazon Bedrock/);
    assert.match(ready.body.warnings.join('\n'), /budgets/);
  });

  it('gets nothing else of the server', () => {
    const { environment } = readCloud('bedrock', { ...credentials, GOOGLE_CLOUD_PROJECT: 'p' });
    const { HOME: _home, DATABASE_URL: _database, ...expected } = credentials;
    assert.deepEqual(environment, { ...expected, CLAUDE_CODE_USE_BEDROCK: '1' });
    const vertex = readCloud('vertex', { ...credentials, GOOGLE_CLOUD_PROJECT: 'p', CLOUD_ML_REGION: 'r' });
    assert.deepEqual(vertex.environment, {
      GOOGLE_CLOUD_PROJECT: 'p',
      CLOUD_ML_REGION: 'r',
      CLAUDE_CODE_USE_VERTEX: '1',
    });
  });

  it('is refused where agents are isolated: there is no network and no secret inside', async () => {
    const cloud = readCloud('vertex', {});
    await assert.rejects(startTestServer({ config: { cloud, isolation: 'bwrap' } }), (error: Error) => {
      assert.match(error.message, /Google Vertex AI.*without isolation/);
      return true;
    });
  });
});
