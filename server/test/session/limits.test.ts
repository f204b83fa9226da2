import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { answerText, startTestServer } from '../support/harness.ts';

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

  it('a model that is silent before its first word is waited for, and asked once', async () => {
    const asked: string[] = [];
    const usage = { input_tokens: 9, output_tokens: 1 };
    const message = { id: 'msg_1', type: 'message', role: 'assistant', model: 'slow', content: [], usage };
    const events = [
      { type: 'message_start', message },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'I thought' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage },
      { type: 'message_stop' },
    ];
    const model = createServer(async (request, response) => {
      const { stream } = (await json(request)) as { stream?: boolean };
      asked.push(`${request.url} ${stream}`);
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      // Longer than an answer may be silent that has begun.
      await delay(1_000);
      response.end(
        events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''),
      );
    }).listen(0, '127.0.0.1');
    await once(model, 'listening');
    using _model = { [Symbol.dispose]: () => void model.close().closeAllConnections() };
    const anthropicBaseUrl = `http://127.0.0.1:${(model.address() as AddressInfo).port}`;
    await using server = await startTestServer({ config: { anthropicBaseUrl, modelIdleTimeout: 300 } });
    const id = await server.execute({ prompt: 'hello' });
    assert.equal(answerText(await server.ended(id)), 'I thought');
    assert.deepEqual(asked, ['/v1/messages?beta=true true']);
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
