import assert from 'node:assert/strict';
import { it } from 'node:test';
import { configuredUpstream, demoUpstream, modelUpstreams, nameForAgents, upstreamFor } from './upstream.ts';

const onBedrock = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const onVertex = 'claude-haiku-4-5@20251001';
const api = 'claude-haiku-4-5-20251001';
const anthropic = configuredUpstream({
  anthropicApiKey: 'key',
  anthropicAuthToken: null,
  anthropicBaseUrl: null,
  modelIdleTimeout: null,
});
const baseUrl = 'https://models.example.com';
const elsewhere = (models: string[]) =>
  modelUpstreams({
    upstreams: [{ models, baseUrl, apiKey: null, authToken: 'token', idleTimeout: null }],
    modelIdleTimeout: null,
  });

it('asks Anthropic and the demo model by the names that they know', () => {
  for (const upstream of [anthropic, demoUpstream('http://127.0.0.1:1')]) {
    for (const name of [onBedrock, onVertex, api]) {
      assert.equal(nameForAgents(name, { upstream, upstreams: [] }), api);
    }
    assert.equal(nameForAgents('sonnet', { upstream, upstreams: [] }), 'sonnet');
  }
});

it('asks every other API by the name that it was given, which may be of its own', () => {
  const upstreams = elsewhere(['us.anthropic.*']);
  assert.equal(nameForAgents(onBedrock, { upstream: anthropic, upstreams }), onBedrock);
  assert.equal(nameForAgents(onVertex, { upstream: anthropic, upstreams }), api);
});

it("finds the upstream of a model by a cloud's name and by the API's", () => {
  for (const pattern of ['*haiku*', 'claude-haiku-*', 'us.anthropic.claude-haiku-*']) {
    const upstreams = elsewhere([pattern]);
    assert.equal(upstreamFor(onBedrock, { upstream: anthropic, upstreams }), upstreams[0], pattern);
  }
  const upstreams = elsewhere(['claude-sonnet-*']);
  assert.equal(upstreamFor(onBedrock, { upstream: anthropic, upstreams }), anthropic);
});
