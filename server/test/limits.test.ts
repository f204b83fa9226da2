import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answerText, startTestServer } from './harness.ts';

describe('limits', () => {
  it('a turn of which nothing is heard ends as timeout, and the session goes on', async () => {
    await using server = await startTestServer({ config: { stallTimeout: 3_000 } });
    const id = await server.execute({ prompt: '[demo:hang]' });
    await server.ended(id);
    const { turns } = (await server.request('GET', `/sessions/${id}`)).body;
    assert.equal(turns[0].error.code, 'timeout');
    assert.match(turns[0].error.message, /Nothing was heard of the agent and the model for 3 s/);
    await server.execute({ prompt: 'what is 2 + 2?', resume_session_id: id });
    assert.equal(answerText(await server.ended(id)), '2 + 2 = 4');
  });

  it('a turn that waits for a person does not time out', async () => {
    await using server = await startTestServer({ config: { stallTimeout: 4_000 } });
    const id = await server.execute({
      prompt: 'run: echo yes > marker',
      approvals: 'ask',
      approval_timeout_s: 6,
      timeout_s: 60,
    });
    assert.match(answerText(await server.ended(id)), /Nobody answered/);
  });

  it('P7: sessions over the limit of those that may wait are answered with 429 and Retry-After', async () => {
    await using server = await startTestServer({ config: { maxSessions: 1, maxQueued: 2 } });
    const running = await server.execute({ prompt: '[demo:hang]' });
    await server.event(running, (event) => event.kind === 'sdk');
    const waiting = [await server.execute({ prompt: 'hello' }), await server.execute({ prompt: 'hello' })];
    const refused = await server.request('POST', '/execute/', { prompt: 'one too many' });
    assert.deepEqual([refused.status, refused.body.code], [429, 'overloaded']);
    assert.equal(refused.headers.get('retry-after'), '10');
    await server.request('POST', `/cancel/${running}`);
    for (const id of waiting) assert.equal((await server.ended(id)).status, 'completed');
  });
});
