import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { agentSdkVersion, version } from '../../src/ground/version.ts';
import { ApiDocument } from '../support/api-document.ts';
import {
  type Answer,
  answerText,
  type StatusAnswer,
  startTestServer,
  type TestServer,
} from '../support/harness.ts';

const HOUR_MS = 3_600_000;
const UNKNOWN_ID = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';

type Listed = { session_id: string; status: string };

describe('the classic API in detail', () => {
  let server: TestServer;
  let document: ApiDocument;
  before(async () => {
    server = await startTestServer();
    document = await ApiDocument.read(server);
  });
  after(async () => await server[Symbol.asyncDispose]());

  /** Every answer of a documented route must be as `/openapi.json` says. */
  const request = async (name: string, id = '', options: { query?: string; body?: unknown } = {}) => {
    const [method = '', template = ''] = name.split(' ');
    const path = template.replace('{session_id}', id) + (options.query ?? '');
    const answer = await server.request(method, path, options.body);
    document.assertDescribes(name.replace(/\/$/, ''), answer);
    return answer;
  };

  const run = async (body: object): Promise<{ id: string; status: StatusAnswer }> => {
    const started = await request('POST /execute/', '', { body });
    const id = started.body.session_id;
    await server.ended(id);
    return { id, status: (await request('GET /status/{session_id}', id)).body };
  };

  const list = async (query = ''): Promise<Listed[]> => (await request('GET /sessions/', '', { query })).body;

  describe('messages', () => {
    let status: StatusAnswer;
    before(async () => {
      const prompt = '[demo:think] run: echo hi; echo oh >&2';
      status = (await run({ prompt, allowed_tools: ['Bash'] })).status;
    });

    const contents = (type: string) =>
      status.messages.filter((message) => message.type === type).map((message) => message.content);

    it('are the four kinds of the Python SDK, in the order of the conversation', () => {
      assert.deepEqual(
        status.messages.map((message) => message.type),
        [
          'SystemMessage',
          ...['AssistantMessage', 'AssistantMessage', 'AssistantMessage', 'UserMessage'],
          ...['AssistantMessage', 'AssistantMessage', 'ResultMessage'],
        ],
      );
      const times = status.messages.map((message) => message.timestamp);
      assert.deepEqual(times, times.toSorted());
    });

    it('have {subtype, data} in a SystemMessage, data being the whole message', () => {
      const [init] = contents('SystemMessage');
      assert.deepEqual(Object.keys(init), ['subtype', 'data']);
      assert.equal(init.subtype, 'init');
      assert.equal(init.data.type, 'system');
      assert.ok(init.data.tools.includes('Bash'));
    });

    it('have the fields of the Python SDK in an AssistantMessage, and its blocks', () => {
      const assistant = contents('AssistantMessage');
      for (const content of assistant) {
        assert.deepEqual(Object.keys(content), [
          ...['content', 'model', 'parent_tool_use_id', 'error', 'usage', 'message_id'],
          ...['stop_reason', 'session_id', 'uuid'],
        ]);
        assert.equal(content.session_id, status.session_id);
        assert.match(content.model, /^claude-/);
        assert.equal(content.error, null);
        assert.ok(content.usage.input_tokens > 0);
      }
      const blocks = assistant.flatMap((content) => content.content);
      const byType = (type: string) => blocks.find((block) => block.type === type);
      assert.deepEqual(Object.keys(byType('text')), ['type', 'text']);
      assert.deepEqual(Object.keys(byType('thinking')), ['type', 'thinking', 'signature']);
      assert.deepEqual(Object.keys(byType('tool_use')), ['type', 'id', 'name', 'input']);
      assert.equal(byType('tool_use').name, 'Bash');
    });

    it('have the tool result, as text and in parts, in a UserMessage', () => {
      const [user] = contents('UserMessage');
      assert.deepEqual(Object.keys(user), ['content', 'uuid', 'parent_tool_use_id', 'tool_use_result']);
      const [block] = user.content;
      assert.deepEqual(Object.keys(block), ['type', 'tool_use_id', 'content', 'is_error']);
      const calls = contents('AssistantMessage').flatMap((content) => content.content);
      assert.equal(block.tool_use_id, calls.find((call) => call.type === 'tool_use').id);
      assert.equal(block.is_error, false);
      assert.match(block.content, /hi/);
      assert.equal(user.tool_use_result.stdout.split('\n')[0], 'hi');
    });

    it('have what the turn came to in a ResultMessage, and the same in result', () => {
      const [result] = contents('ResultMessage');
      for (const field of [
        ...['subtype', 'duration_ms', 'duration_api_ms', 'is_error', 'num_turns', 'session_id'],
        ...['stop_reason', 'total_cost_usd', 'usage', 'result', 'structured_output'],
      ]) {
        assert.ok(field in result, field);
      }
      assert.equal(result.subtype, 'success');
      assert.equal(result.is_error, false);
      assert.equal(result.result, answerText(status));
      const { session_id, num_turns, duration_ms, usage } = result;
      const { total_cost_usd, ...rest } = status.result;
      assert.deepEqual(rest, { session_id, num_turns, duration_ms, usage });
      assert.ok(Math.abs(total_cost_usd - result.total_cost_usd) < 1e-9);
      assert.equal(num_turns, 2);
    });

    it('keep a NUL character that a tool printed', async () => {
      const { id, status } = await run({ prompt: "run: printf 'a\\0b'", allowed_tools: ['Bash'] });
      assert.equal(status.status, 'completed');
      assert.ok(answerText(status).includes('a\u0000b'));
      await server.execute({ prompt: 'hello again', resume_session_id: id, max_turns: 5 });
      assert.equal((await server.ended(id)).status, 'completed', 'a new process can read the transcript');
    });
  });

  describe('a turn that fails', { concurrency: true }, () => {
    const failures = [
      ['[demo:error 402] hi', /402/, 'invalid_request'],
      ['[demo:error 403] hi', /403/, 'authentication_failed'],
      ['[demo:error 429 retry-after 120] hi', /429/, 'rate_limited'],
      ['[demo:error 529 retry-after 120] hi', /529/, 'overloaded'],
      ['[demo:refuse] hi', /safeguards/, 'refusal'],
      ['[demo:empty] hi', /without an answer/, 'empty'],
      ['run: echo hi [demo:empty]', /without an answer/, 'empty'],
    ] as const;
    for (const [prompt, message, code] of failures) {
      it(`is an error with the words of the API and no result (${code})`, async () => {
        const { id, status } = await run({ prompt });
        assert.equal(status.status, 'error');
        assert.match(status.error ?? '', message);
        assert.equal(status.result, null);
        const { turns } = (await request('GET /sessions/{session_id}', id)).body;
        assert.deepEqual(turns[0].error, { code, message: status.error });
        const item = (await list()).find((session) => session.session_id === id);
        assert.deepEqual(item, { ...item, status: 'error', error: status.error, result: null });
      });
    }

    it('is an error when the agent needs more turns than it may take', async () => {
      const { status } = await run({ prompt: 'run: echo hi', allowed_tools: ['Bash'], max_turns: 1 });
      assert.equal(status.status, 'error');
      assert.match(status.error ?? '', /maximum number of turns/);
    });

    it('can be followed by one that succeeds, in the same session', async () => {
      const { id } = await run({ prompt: '[demo:error 402] hi' });
      const { status } = await run({ prompt: 'hello', resume_session_id: id });
      assert.deepEqual({ status: status.status, error: status.error }, { status: 'completed', error: null });
      assert.equal(status.result.session_id, id);
    });
  });

  describe('the list', () => {
    before(async () => {
      await Promise.all([
        run({ prompt: 'one' }),
        run({ prompt: '[demo:error 402]' }),
        run({ prompt: 'three' }),
      ]);
    });

    it('is newest first, and comes in pages that link to the next', async () => {
      const all = await list();
      const created = all.map((session) => session.session_id);
      assert.deepEqual(created, created.toSorted().toReversed());
      const paged: Listed[] = [];
      let path: string | undefined = '/sessions/?limit=2';
      while (path !== undefined) {
        const page: Answer = await request('GET /sessions/', '', { query: path.replace('/sessions/', '') });
        assert.ok(page.body.length <= 2);
        paged.push(...page.body);
        path = /^<([^>]+)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
      }
      assert.deepEqual(paged, all);
    });

    it('can be narrowed to a status, on every page', async () => {
      const failed = (await list()).filter((session) => session.status === 'error');
      assert.ok(failed.length > 1);
      const first = await request('GET /sessions/', '', { query: '?status=error&limit=1' });
      assert.deepEqual(first.body, failed.slice(0, 1));
      const next = /^<([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? assert.fail('no next page');
      assert.deepEqual((await server.request('GET', next)).body, failed.slice(1, 2));
      assert.deepEqual(await list('?status=pending'), []);
    });
  });

  it('answers every route with and without a trailing slash', async () => {
    for (const slash of ['', '/']) {
      const { id } = await run({ prompt: 'hello' });
      const statusOf = async (method: string, path: string): Promise<number> =>
        (await server.request(method, path + slash)).status;
      assert.equal((await server.request('POST', `/execute${slash}`, { prompt: 'hello' })).status, 200);
      assert.equal(await statusOf('GET', `/status/${id}`), 200);
      assert.equal(await statusOf('POST', `/cancel/${id}`), 400);
      assert.equal(await statusOf('GET', '/sessions'), 200);
      assert.equal(await statusOf('GET', `/sessions/${id}`), 200);
      assert.equal((await server.request('DELETE', `/sessions/cleanup${slash}?max_age_hours=9`)).status, 200);
      assert.equal(await statusOf('DELETE', `/sessions/${id}`), 200);
      assert.equal(await statusOf('GET', `/status/${id}`), 404);
    }
  });

  it('deletes an ended session by its id, and says what its status was', async () => {
    const { id } = await run({ prompt: 'hello' });
    const deleted = await request('DELETE /sessions/{session_id}', id);
    const message = `Session ${id} deleted successfully`;
    assert.deepEqual(deleted.body, { session_id: id, status: 'completed', message });
    assert.equal((await request('DELETE /sessions/{session_id}', id)).status, 404);
    assert.equal((await request('GET /status/{session_id}', id)).status, 404);
    assert.ok(!(await list()).some((session) => session.session_id === id));
  });

  it('cleans up sessions that ended more than 24 hours ago, or however long, but none that runs', async () => {
    const running = await server.execute({ prompt: '[demo:hang]' });
    await server.event(running, (event) => event.kind === 'sdk');
    const { id: old } = await run({ prompt: 'hello' });
    const { id: fresh } = await run({ prompt: 'hello' });
    await server.context.database.db
      .updateTable('sessions')
      .set({ ended_at: new Date(Date.now() - 25 * HOUR_MS) })
      .where('id', 'in', [old, running])
      .execute();
    const byDefault = await request('DELETE /sessions/cleanup');
    assert.deepEqual(byDefault.body, { removed: 1, message: 'Cleaned up 1 old sessions' });
    const left = (await list()).map((session) => session.session_id);
    assert.ok(!left.includes(old));
    assert.ok(left.includes(fresh));
    const all = await request('DELETE /sessions/cleanup', '', { query: '?max_age_hours=0' });
    assert.equal(all.body.removed, left.length - 1);
    assert.deepEqual(
      (await list()).map((session) => session.session_id),
      [running],
    );
    assert.equal((await request('POST /cancel/{session_id}', running)).body.status, 'cancelled');
  });

  describe('describes itself', () => {
    it('at / with its name, version and routes', async () => {
      const { status, body } = await server.request('GET', '/');
      assert.equal(status, 200);
      assert.equal(body.name, 'greenroom');
      assert.equal(body.version, version);
      assert.match(Object.values(body.endpoints).join('\n'), /POST \/execute\//);
    });

    it('at /healthz, /readyz and /version', async () => {
      assert.deepEqual((await request('GET /healthz')).body, { status: 'ok' });
      const ready = await request('GET /readyz');
      assert.equal(ready.body.status, 'ready');
      assert.deepEqual(ready.body.checks, { database: 'ok', accepting: true });
      assert.match(ready.body.model, /demo model/);
      const versions = { name: 'greenroom', version, agent_sdk: agentSdkVersion, node: process.version };
      assert.deepEqual((await request('GET /version')).body, versions);
    });

    it('at /openapi.json, in OpenAPI 3.1, every route with its error answers', async () => {
      const { body } = await server.request('GET', '/openapi.json');
      assert.match(body.openapi, /^3\.1\./);
      assert.equal(body.info.version, version);
      const errors = {
        'POST /execute': ['400', '409', '413', '415', '422', '429', '503', '507'],
        'GET /status/{session_id}': ['404', '503'],
        'POST /cancel/{session_id}': ['400', '404', '503'],
        'GET /sessions': ['422', '503'],
        'DELETE /sessions/cleanup': ['422', '503'],
        'DELETE /sessions/{session_id}': ['400', '404', '503'],
      };
      for (const [name, statuses] of Object.entries(errors)) {
        const responses = document.operations.get(name)?.responses ?? {};
        for (const status of ['200', '401', '403', ...statuses])
          assert.ok(status in responses, `${name}: ${status}`);
      }
    });

    it('with examples of a request that are requests indeed', async () => {
      const content = document.operations.get('POST /execute')?.requestBody?.content['application/json'];
      const schema = content?.schema ?? assert.fail('POST /execute documents no body');
      const examples = z.array(z.object({ prompt: z.string() })).parse(document.resolve(schema).examples);
      assert.ok(examples.length > 0);
      for (const example of examples) document.assertFits(schema, example);
      assert.throws(() => document.assertFits(schema, { prompt: 'hi', alowed_tools: [] }));
    });

    it('as it answers, errors among them', async () => {
      const refused = { query: '?limit=0' };
      assert.equal((await request('GET /sessions', '', refused)).status, 422);
      assert.equal(
        (await request('DELETE /sessions/cleanup', '', { query: '?max_age_hours=-1' })).status,
        422,
      );
      assert.equal((await request('POST /execute', '', { body: { prompt: '' } })).status, 422);
      assert.equal((await request('POST /execute', '', { body: 'x'.repeat(20 * 2 ** 20) })).status, 413);
      const resumed = { prompt: 'hi', resume_session_id: UNKNOWN_ID };
      assert.equal((await request('POST /execute', '', { body: resumed })).status, 400);
      for (const name of ['GET /status', 'POST /cancel', 'DELETE /sessions']) {
        assert.equal((await request(`${name}/{session_id}`, UNKNOWN_ID)).status, 404);
      }
    });
  });
});
