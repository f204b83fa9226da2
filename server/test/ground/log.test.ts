import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { startDemoModel } from '../../src/engine/gateway/demo-model/demo-model.ts';
import { temporaryDirectory } from '../support/harness.ts';
import { startServerProcess, until } from '../support/server-process.ts';

describe('the log', () => {
  it('tells request, session and turn on its lines, and neither a prompt nor the key, which the agent does not have either', async () => {
    await using demo = await startDemoModel({ tokensPerSecond: Number.POSITIVE_INFINITY });
    await using directory = await temporaryDirectory();
    const env = {
      ANTHROPIC_API_KEY: 'sk-the-real-key',
      ANTHROPIC_BASE_URL: demo.url,
      GREENROOM_LOG_LEVEL: 'info',
    };
    const server = await startServerProcess({ dataDir: directory.path, env, logLevel: null });
    const output = text(server.stderr);
    const id = await server.execute({ prompt: 'run: echo a-private-matter; env', allowed_tools: ['Bash'] });
    await until(
      'it is completed',
      async () => (await server.request('GET', `/status/${id}`)).body.status === 'completed',
    );
    const messages = JSON.stringify((await server.request('GET', `/status/${id}`)).body.messages);
    server.kill('SIGTERM');
    await server.exited;

    assert.match(messages, /a-private-matter/);
    assert.doesNotMatch(messages, /sk-the-real-key/);
    const log = await output;
    assert.doesNotMatch(log, /a-private-matter|sk-the-real-key/);
    const lines = log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(lines.some((line) => line.request_id !== undefined && line.path === '/execute'));
    const ended = lines.find((line) => line.msg === 'turn ended');
    assert.equal(ended?.session_id, id);
    assert.equal(typeof ended?.turn_id, 'string');
  });

  it('has none of the secrets that requests carry, at its most talkative level', async () => {
    await using directory = await temporaryDirectory();
    const env = { GREENROOM_LOG_LEVEL: 'trace', ANTHROPIC_AUTH_TOKEN: 'no-such-shape-s3cret' };
    const server = await startServerProcess({ dataDir: directory.path, env, logLevel: null });
    const output = text(server.stderr);
    const key = 'grk_0123456789ab_s3cret';
    const headers = {
      authorization: `Bearer ${key}`,
      'x-api-key': 'sk-ant-api03-s3cret',
      cookie: 'login=s3cret',
      'idempotency-key': 'one',
      'content-type': 'application/json',
    };
    const calls: [string, string, string?][] = [
      ['GET', `/events?ticket=s3cret&limit=nonsense`],
      ['GET', `/sessions/${key}/events?ticket=s3cret`],
      ['GET', `/nothing/${key}`],
      ['POST', '/execute', JSON.stringify({ prompt: 'hi', env: { DATABASE: 'postgres://ada:s3cret@db/x' } })],
      ['POST', '/execute', `{"prompt": "Authorization: Bearer ${key}`],
    ];
    for (const [method, path, body] of calls) {
      const response = await fetch(server.url + path, { method, headers, ...(body ? { body } : {}) });
      await response.body?.cancel();
    }
    server.kill('SIGTERM');
    await server.exited;
    const log = await output;
    assert.match(log, /"path":"\/execute"/);
    assert.doesNotMatch(log, /s3cret/);
  });
});
