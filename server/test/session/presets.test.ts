import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MAX_PRESETS } from '../../src/session/preset/preset.ts';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';

const MASK = '********';
const PRINT = 'run: printf "$TOKEN"';

describe('a preset', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());
  const presets = () => server.client.presets;

  it('is kept by its name, changed, listed and deleted', async () => {
    const made = await presets().create({
      name: ' careful ',
      options: { prompt: 'hello', approvals: 'ask', model: null },
    });
    assert.deepEqual([made.name, made.description, made.created_by], ['careful', null, 'local']);
    assert.deepEqual(made.options, { prompt: 'hello', approvals: 'ask' });
    assert.deepEqual(await presets().get(made.preset_id), made);
    const other = await presets().create({ name: 'bold', options: {} });
    assert.deepEqual(
      (await presets().list()).map(({ name }) => name),
      ['bold', 'careful'],
    );
    const changed = await presets().update(made.preset_id, { description: 'asks' });
    assert.deepEqual([changed.name, changed.description, changed.options], ['careful', 'asks', made.options]);
    for (const request of [
      presets().create({ name: 'bold', options: {} }),
      presets().update(made.preset_id, { name: 'bold' }),
    ]) {
      await assert.rejects(request, { status: 409, code: 'name_taken' });
    }
    await presets().delete(made.preset_id);
    await presets().delete(other.preset_id);
    await assert.rejects(presets().get(made.preset_id), { status: 404 });
    await assert.rejects(presets().delete(made.preset_id), { status: 404 });
  });

  it('has what a new session may have, within bounds', async () => {
    const refused: [options: object, field: string][] = [
      [{ resume_session_id: 'x' }, 'options.resume_session_id'],
      [{ modle: 'x' }, 'options.modle'],
      [{ max_turns: 0 }, 'options.max_turns'],
      [{ prompt: '' }, 'options.prompt'],
      [{ prompt: 'a', content: [{ type: 'text', text: 'b' }] }, 'options.prompt'],
      [{ system_prompt: 'x'.repeat(70_000) }, 'options'],
      [{ env: { TOKEN: MASK } }, 'options.env.TOKEN'],
    ];
    for (const [options, field] of refused) {
      const { status, body } = await server.request('POST', '/presets', { name: 'x', options });
      assert.deepEqual([status, body.errors?.[0]?.field], [422, field], JSON.stringify(body));
    }
    const making = Array.from({ length: MAX_PRESETS + 5 }, async (_, n) => {
      return (await server.request('POST', '/presets', { name: `preset ${n}`, options: {} })).status;
    });
    const statuses = await Promise.all(making);
    assert.equal(statuses.filter((status) => status === 201).length, MAX_PRESETS);
    for (const { preset_id } of await presets().list()) await presets().delete(preset_id);
  });

  it('shows its secrets to nobody, and gives them to the session that is started from it', async () => {
    const options = { allowed_tools: ['Bash'], env: { TOKEN: 's3cret' }, max_turns: 5 };
    const preset = await presets().create({ name: 'secret', options });
    const { preset_id } = preset;
    assert.deepEqual(preset.options, { ...options, env: { TOKEN: MASK } });
    await presets().update(preset_id, { options: preset.options });
    const id = await server.execute({ prompt: PRINT, ...preset.options, preset_id });
    assert.match(answerText(await server.ended(id)), /s3cret/);
    const session = await server.client.sessions.get(id);
    assert.deepEqual(session.options, preset.options, 'nothing else of the preset is used');
    const bare = await server.execute({ prompt: 'hello', preset_id });
    assert.deepEqual((await server.client.sessions.get(bare)).options, {});
    await server.ended(bare);
    const unknown = { prompt: 'hello', preset_id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f' };
    const resumed = { prompt: 'hello', preset_id, resume_session_id: id };
    const other = { prompt: 'hello', preset_id, env: { OTHER: MASK } };
    for (const [body, field] of [
      [unknown, 'preset_id'],
      [{ ...unknown, preset_id: 'x' }, 'preset_id'],
      [resumed, 'preset_id'],
      [other, 'env.OTHER'],
    ] as const) {
      const refused = await server.request('POST', '/execute/', body);
      assert.deepEqual([refused.status, refused.body.errors?.[0]?.field], [422, field]);
    }
  });
});

describe('a request that is only checked', () => {
  it('is answered as it would be if it were carried out, and leaves nothing', async () => {
    await using server = await startTestServer();
    const first = await server.execute({ prompt: 'hello', env: { TOKEN: 'x' } });
    await server.ended(first);
    const busy = await server.execute({ prompt: 'run: sleep 60', allowed_tools: ['Bash'] });
    const bodies: object[] = [
      { prompt: '' },
      { prompt: 'hello', modle: 'x' },
      { prompt: 'hello', cwd: '/nowhere' },
      { prompt: 'hello', permission_mode: 'bypassPermissions' },
      { prompt: 'hello', network: { allowed_hosts: ['example.com'] } },
      { prompt: 'hello', env: { TOKEN: MASK } },
      { prompt: 'hello', preset_id: 'x' },
      { prompt: 'hello', resume_session_id: 'x' },
      { prompt: 'hello', resume_session_id: busy },
      { prompt: 'hello', resume_session_id: first, env: { OTHER: MASK } },
      { prompt: 'hello', resume_session_id: first, cwd: '/tmp' },
      { prompt: 'hello', resume_session_id: first, fork_session: true, env: { OTHER: MASK } },
      { prompt: 'hello', fork_session: true },
    ];
    const list = async (): Promise<unknown[]> => (await server.request('GET', '/sessions/')).body;
    const before = (await list()).length;
    for (const body of bodies) {
      const checked = await server.request('POST', '/execute/validate', body);
      const executed = await server.request('POST', '/execute/', body);
      assert.ok(checked.status >= 400, JSON.stringify(body));
      const problem = ({ request_id: _, ...rest }: Record<string, unknown>) => rest;
      assert.deepEqual(problem(checked.body), problem(executed.body), JSON.stringify(body));
    }
    for (const body of [
      { prompt: 'hello', model: 'haiku' },
      { prompt: 'hello', resume_session_id: first, env: { TOKEN: MASK } },
      { prompt: 'hello', resume_session_id: busy, fork_session: true },
    ]) {
      assert.deepEqual(await server.client.validate(body), { valid: true });
    }
    assert.equal((await list()).length, before);
    assert.equal((await server.client.sessions.get(first)).turns.length, 1);
    await server.client.sessions.cancel(busy);
    await server.ended(busy);
  });
});
