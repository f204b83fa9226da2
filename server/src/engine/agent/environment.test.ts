import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isDeniedVariable } from '../../session/options/variables.ts';
import { agentEnvironment } from './environment.ts';

function environment(requested: Record<string, string>) {
  return agentEnvironment({
    view: {
      home: '/home/agent',
      temporary: '/tmp',
      gatewaySocket: '/run/gw/gw.sock',
      proxyExceptions: [],
      extraCaCerts: null,
    },
    sessionId: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f',
    gateway: { url: 'http://127.0.0.1:1', token: 'token' },
    path: '/usr/bin',
    requested,
    backgroundTasks: false,
    rerunsTurn: false,
    cloud: {},
    proxy: {},
    modelWaitMs: 600_000,
  });
}

describe("the agent's environment", () => {
  it('inherits nothing', () => {
    const own = Object.keys(environment({}));
    process.env.GREENROOM_TEST_SECRET = 'secret';
    assert.deepEqual(Object.keys(environment({})), own);
    assert.doesNotMatch(JSON.stringify(environment({})), /secret/);
    delete process.env.GREENROOM_TEST_SECRET;
  });

  it('lets the agent program wait longer for a model than the gateway does', () => {
    const { API_TIMEOUT_MS, CLAUDE_STREAM_IDLE_TIMEOUT_MS } = environment({});
    for (const limit of [API_TIMEOUT_MS, CLAUDE_STREAM_IDLE_TIMEOUT_MS]) assert.ok(Number(limit) > 600_000);
  });

  it('has what was asked for, but never in place of what the server sets', () => {
    const asked = Object.fromEntries(Object.keys(environment({})).map((name) => [name, 'theirs']));
    const { LANG, GREETING, ...rest } = environment({ ...asked, GREETING: 'hi' });
    assert.deepEqual({ LANG, GREETING }, { LANG: 'theirs', GREETING: 'hi' });
    assert.ok(!Object.values(rest).includes('theirs'));
  });

  it('cannot be asked for what the server sets: the request is refused, not ignored', () => {
    for (const name of Object.keys(environment({}))) {
      if (name !== 'LANG') assert.ok(isDeniedVariable(name), name);
    }
  });
});
