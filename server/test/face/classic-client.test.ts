import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type StatusAnswer, startTestServer, type TestServer } from '../support/harness.ts';

/** Polls like the Python project's client: it knows nothing but the classic API. */
async function waitForCompletion(server: TestServer, id: string): Promise<StatusAnswer> {
  for (;;) {
    const { status, body } = await server.request('GET', `/status/${id}`);
    assert.equal(status, 200);
    if (['completed', 'error', 'cancelled'].includes(body.status)) return body;
    await delay(50);
  }
}

describe("the Python project's own client", () => {
  it('does all of its examples: introduce, cancel a count after 5 s, list, remember and resume, clean up', async () => {
    // At the pace of a real model: counting to 1000 takes far longer than 5 s.
    await using server = await startTestServer({ config: { demoTokensPerSecond: 60 } });
    const root = await server.request('GET', '/');
    assert.equal(root.status, 200);

    const introduced = await server.execute({
      prompt: 'Please introduce yourself.',
      system_prompt: 'Please respond in English.',
      permission_mode: 'acceptEdits',
      model: 'sonnet',
    });
    const introduction = await waitForCompletion(server, introduced);
    assert.equal(introduction.status, 'completed');
    assert.ok(introduction.duration_ms !== null && introduction.duration_ms > 0);
    assert.ok(introduction.total_cost_usd !== null && introduction.total_cost_usd > 0);

    const counting = await server.execute({
      prompt: 'Please count from 1 to 1000',
      permission_mode: 'acceptEdits',
    });
    await delay(5_000);
    const cancelled = await server.request('POST', `/cancel/${counting}`);
    assert.deepEqual([cancelled.status, cancelled.body.status], [200, 'cancelled']);
    assert.equal((await waitForCompletion(server, counting)).status, 'cancelled');

    const listed = await server.request('GET', '/sessions/');
    assert.deepEqual(
      listed.body.map((session: { session_id: string; status: string; prompt: string }) => [
        session.session_id,
        session.status,
        session.prompt.slice(0, 50),
      ]),
      [
        [counting, 'cancelled', 'Please count from 1 to 1000'],
        [introduced, 'completed', 'Please introduce yourself.'],
      ],
    );

    const remembering = await server.execute({
      prompt: 'I am ada42. Please remember this.',
      permission_mode: 'acceptEdits',
    });
    const first = await waitForCompletion(server, remembering);
    assert.equal(first.status, 'completed');
    assert.ok(first.result.session_id);
    const resumed = await server.execute({
      prompt: 'What was my name again?',
      resume_session_id: remembering,
    });
    assert.equal(resumed, remembering);
    const second = await waitForCompletion(server, resumed);
    assert.equal(second.status, 'completed');
    assert.match(JSON.stringify(second.messages.slice(first.messages.length)), /ada42/);

    const cleaned = await server.request('DELETE', '/sessions/cleanup?max_age_hours=0');
    assert.deepEqual(cleaned.body, { removed: 3, message: 'Cleaned up 3 old sessions' });
    assert.deepEqual((await server.request('GET', '/sessions/')).body, []);
  });
});
