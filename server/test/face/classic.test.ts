import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';

describe('the classic API', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  it('runs a prompt and shows status, messages, result and cost in the old shapes', async () => {
    const started = await server.request('POST', '/execute/', {
      prompt: '  Please introduce yourself. ',
      system_prompt: 'Please respond in English.',
      permission_mode: 'acceptEdits',
      model: 'sonnet',
    });
    assert.equal(started.status, 200);
    const id = started.body.session_id;
    assert.deepEqual(started.body, {
      session_id: id,
      status: 'pending',
      message: `Session ${id} started successfully`,
    });
    const status = await server.ended(id);
    assert.deepEqual(Object.keys(status), [
      'session_id',
      'status',
      'messages',
      'result',
      'error',
      'duration_ms',
      'total_cost_usd',
    ]);
    assert.equal(status.status, 'completed');
    assert.deepEqual(
      status.messages.map((message) => message.type),
      ['SystemMessage', 'AssistantMessage', 'ResultMessage'],
    );
    assert.match(answerText(status), /demo model/);
    assert.equal(status.result.session_id, id);
    assert.equal(status.result.num_turns, 1);
    assert.ok(status.total_cost_usd !== null && status.total_cost_usd > 0);
  });

  it('continues a session by resume_session_id: the agent remembers and the id stays', async () => {
    const id = await server.execute({
      prompt: 'I am Ada. Please remember this.',
      permission_mode: 'acceptEdits',
    });
    const first = await server.ended(id);
    const resumed = await server.request('POST', '/execute', {
      prompt: 'What was my name again?',
      resume_session_id: id,
    });
    assert.equal(resumed.body.message, `Session ${id} resumed successfully`);
    const second = await server.ended(id);
    assert.match(answerText(second), /Ada/);
    assert.ok(second.messages.length > first.messages.length, 'messages continue');
    const listed = await server.request('GET', '/sessions/');
    const item = listed.body.find((session: { session_id: string }) => session.session_id === id);
    assert.equal(
      item.prompt,
      'I am Ada. Please remember this.\n\n--- Session Resume ---\nWhat was my name again?',
    );
    assert.equal(item.message_count, second.messages.length);
  });
});
