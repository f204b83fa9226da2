import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createKey } from '../../src/access/api-key/service.ts';
import { NO_LIMITS, type Scope } from '../../src/ground/identity.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { optionColumns } from '../../src/session/store.ts';
import { askedBy, startTestServer, type TestServer } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

describe('a session that bypasses permissions', () => {
  let server: TestServer;
  let idle: string;
  let busy: string;
  let bare: string;
  let waiting: string;
  const keys: Record<string, string> = {};
  before(async () => {
    server = await startTestServer({ config: { isolation: 'none', idleTtl: 0 } });
    busy = await server.execute({ prompt: '[demo:hang]' });
    waiting = (await server.client.sessions.messages.send(busy, { prompt: 'and then?' })).turn_id;
    idle = await server.execute({ prompt: 'hello' });
    bare = await server.execute({ prompt: 'hello' });
    await Promise.all([idle, bare].map(server.ended));
    // As one that was started while the server had isolation.
    const columns = optionColumns({ permission_mode: 'bypassPermissions' });
    await server.context.database.db.updateTable('sessions').set(columns).execute();
    for (const [name, scopes] of Object.entries({
      writer: ['sessions:read', 'sessions:write'],
      bypasser: ['sessions:read', 'sessions:write', 'sessions:bypass'],
    } satisfies Record<string, Scope[]>)) {
      const request = { tenantId: 'default', name, expiresAt: null, limits: NO_LIMITS, createdBy: 'test' };
      keys[name] = (await createKey(server.context.apiKeys, { ...request, scopes })).secret;
    }
  });
  after(async () => await server[Symbol.asyncDispose]());

  const call = async (
    key: string,
    method: string,
    path: string,
    body?: object,
  ): Promise<[number, string]> => {
    const answer = await fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${keys[key]}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { code = '' } = (await answer.json()) as { code?: string };
    return [answer.status, code];
  };

  const last = async (session: string): Promise<{ state: string; error: { message: string } | null }> => {
    const answer = await fetch(`${server.url}/sessions/${session}`, {
      headers: { authorization: `Bearer ${keys.writer}` },
    });
    const { turns } = (await answer.json()) as {
      turns: { state: string; error: { message: string } | null }[];
    };
    return turns.at(-1) ?? assert.fail('there is no turn');
  };

  it('is told nothing by a key that could not have started it', async () => {
    const prompt = { prompt: 'hello' };
    const forbidden = [403, 'forbidden'];
    assert.deepEqual(await call('writer', 'POST', `/sessions/${idle}/messages`, prompt), forbidden);
    assert.deepEqual(
      await call('writer', 'PATCH', `/sessions/${busy}/messages/${waiting}`, prompt),
      forbidden,
    );
    assert.deepEqual(await call('writer', 'POST', `/sessions/${idle}/fork`, {}), forbidden);
    const resume = { ...prompt, resume_session_id: idle };
    assert.deepEqual(await call('writer', 'POST', '/execute/', resume), forbidden);
    const instructed = { append_system_prompt: 'do this' };
    assert.deepEqual(await call('writer', 'PATCH', `/sessions/${idle}`, instructed), forbidden);
    assert.equal((await call('writer', 'PATCH', `/sessions/${idle}`, { title: 'a title' }))[0], 200);
    assert.equal((await call('bypasser', 'PATCH', `/sessions/${bare}`, instructed))[0], 200);
    assert.equal((await call('writer', 'GET', `/sessions/${idle}`))[0], 200);
    assert.equal((await call('bypasser', 'POST', `/sessions/${idle}/fork`, {}))[0], 201);
    assert.equal((await call('writer', 'POST', '/execute/', { ...resume, permission_mode: 'plan' }))[0], 200);
  });

  it('does not run where nothing holds its agent', async () => {
    assert.equal((await call('bypasser', 'POST', `/sessions/${bare}/messages`, { prompt: 'hello' }))[0], 202);
    await until(
      'the turn has ended',
      async () => (await last(bare)).state !== 'queued' && (await last(bare)).state !== 'running',
    );
    const { state, error } = await last(bare);
    assert.deepEqual([state, /without isolation/.test(error?.message ?? '')], ['error', true]);
  });
});

describe('what was decided before a session began to bypass permissions', () => {
  it('holds for the call in the process that the decision brings back', async () => {
    await using server = await startTestServer({ config: { isolation: 'bwrap' } });
    for (const [decision, marker] of [
      [{ decision: 'deny', message: 'not that' }, null],
      [{ decision: 'allow', updated_input: { command: 'echo changed > marker' } }, 'changed\n'],
    ] as const) {
      const request = { prompt: 'run: echo yes > marker', approvals: 'ask', park_after_s: 0 };
      const id = await server.execute(request);
      const { approval_id } = await askedBy(server, id);
      await server.context.worker.released(id);
      const change = { permission_mode: 'bypassPermissions' };
      assert.equal((await server.request('PATCH', `/sessions/${id}`, change)).status, 200);
      await server.request('POST', `/approvals/${approval_id}`, decision);
      assert.equal((await server.ended(id)).status, 'completed');
      const { workspace } = sessionDirectories(server.config.dataDir, id);
      assert.equal(await readFile(join(workspace, 'marker'), 'utf8').catch(() => null), marker);
    }
  });
});
