import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';

const run = promisify(execFile);

/*
 * What the Python project's README, its article and its web page make a newcomer send, in that order. Its client is in
 * classic-client.test.ts.
 */
describe('the first things that a user of the Python project tries', () => {
  const page = 'http://localhost:8001';
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ config: { corsOrigins: [page] } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  /** As it is pasted, but for the port. @returns the answer */
  const paste = async (command: string) => {
    const { stdout } = await run('bash', [
      '-c',
      `set -e; curl() { command curl --silent "$@"; }; ${command.replaceAll('http://localhost:8000', server.url)}`,
    ]);
    return JSON.parse(stdout);
  };

  it("work: the article's curl command, which names its model as Amazon Bedrock does", async () => {
    const started = await paste(`curl -X POST "http://localhost:8000/execute/" \\
      -H "Content-Type: application/json" \\
      -d '{
            "prompt": "I am Ada. Please introduce yourself.",
            "model": "us.anthropic.claude-3-5-sonnet-20241022-v1:0",
            "max_turns": 10
          }'`);
    assert.equal(started.status, 'pending');
    const status = await server.ended(started.session_id);
    assert.match(answerText(status), /demo model/);
    const { options, cost_usd } = await server.client.sessions.get(started.session_id);
    assert.equal(options.model, 'us.anthropic.claude-3-5-sonnet-20241022-v1:0');
    assert.ok(cost_usd > 0);
    const init = status.messages.find(({ content }) => content.subtype === 'init');
    assert.equal(init?.content.data.model, 'claude-3-5-sonnet-20241022');
  });

  it("work: the README's request, once its example directory is one", async () => {
    const body = {
      prompt: 'Please explain Claude Agent SDK in detail',
      system_prompt: 'You are an excellent system engineer',
      permission_mode: 'acceptEdits',
      model: 'sonnet',
      allowed_tools: ['Read', 'Write', 'Bash'],
    };
    const refused = await server.request('POST', '/execute/', { ...body, cwd: '/path/to/working/directory' });
    assert.equal(refused.status, 422);
    assert.match(refused.body.detail, /"\/path\/to\/working\/directory" does not exist, or lies outside/);
    assert.match(refused.body.hint, /GREENROOM_WORKSPACE_ROOTS/);
    const { session_id: id } = (await server.request('POST', '/execute/', body)).body;
    await server.ended(id);
    const status = await paste(`curl http://localhost:8000/status/${id}`);
    assert.equal(status.status, 'completed');
    const [listed] = await paste('curl http://localhost:8000/sessions/');
    assert.deepEqual([listed.session_id, listed.prompt], [id, body.prompt]);
    const cancelled = await paste(`curl -X POST http://localhost:8000/cancel/${id}`);
    assert.match(cancelled.detail, /not running/);
    const deleted = await paste(`curl -X DELETE http://localhost:8000/sessions/${id}`);
    assert.equal(deleted.message, `Session ${id} deleted successfully`);
    const cleaned = await paste('curl -X DELETE "http://localhost:8000/sessions/cleanup?max_age_hours=24"');
    assert.deepEqual(cleaned, { removed: 0, message: 'Cleaned up 0 old sessions' });
  });

  it('work: its web page, served from an address that is listed, tools in small letters', async () => {
    const ask = async (method: string, path: string, body?: object) => {
      const response = await fetch(server.url + path, {
        method,
        headers: { origin: page, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      assert.equal(response.headers.get('access-control-allow-origin'), page);
      assert.equal(response.status, 200, path);
      // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
      return (await response.json()) as any;
    };
    const preflight = await fetch(`${server.url}/execute/`, {
      method: 'OPTIONS',
      headers: {
        origin: page,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    assert.ok(preflight.ok);
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /content-type/i);
    const started = await ask('POST', '/execute/', {
      prompt: 'run: echo hello > greeting.txt; cat greeting.txt',
      model: 'haiku',
      allowed_tools: ['bash', 'read', 'write'],
      max_turns: 5,
    });
    assert.match(answerText(await server.ended(started.session_id)), /hello/);
    assert.equal((await ask('GET', `/status/${started.session_id}`)).status, 'completed');
    const resumed = await ask('POST', '/execute/', {
      prompt: 'hello again',
      resume_session_id: started.session_id,
      disallowed_tools: ['bash'],
    });
    assert.equal(resumed.session_id, started.session_id);
    await server.ended(started.session_id);
    assert.equal((await ask('GET', '/sessions/'))[0].session_id, started.session_id);
  });
});
