import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { type DemoModel, startDemoModel } from '../../src/engine/gateway/demo-model/demo-model.ts';
import { FaultCounter } from '../../src/engine/gateway/demo-model/fault-counter.ts';
import { handleRequest } from '../../src/engine/gateway/demo-model/http.ts';
import { PromptCache } from '../../src/engine/gateway/demo-model/prompt-cache.ts';

type Delta = {
  text?: string;
  thinking?: string;
  signature?: string;
  partial_json?: string;
  stop_reason?: string;
};
type StreamEvent = {
  type: string;
  index?: number;
  delta?: Delta;
  usage?: { output_tokens: number };
  message?: { usage: { input_tokens: number } };
};

type Answer = {
  type: string;
  content: object[];
  stop_reason: string;
  usage: { input_tokens: number; output_tokens: number };
  input_tokens: number;
  error: { type: string; message: string };
  request_id: string;
};

let demo: DemoModel;
before(async () => {
  demo = await startDemoModel({ tokensPerSecond: Number.POSITIVE_INFINITY });
});
after(() => demo[Symbol.asyncDispose]());

const bash = { name: 'Bash', input_schema: { type: 'object' } };

function post(
  body: object,
  { url = demo.url, path = '/v1/messages', signal }: PostOptions = {},
): Promise<Response> {
  const init = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  return fetch(url + path, signal ? { ...init, signal } : init);
}
type PostOptions = { url?: string; path?: string; signal?: AbortSignal };

function asking(prompt: string, more: object = {}) {
  return {
    model: 'claude-sonnet-demo',
    max_tokens: 10_000,
    messages: [{ role: 'user', content: prompt }],
    ...more,
  };
}

async function answerOf(response: Response): Promise<Answer> {
  return JSON.parse(await response.text());
}

async function eventsOf(response: Response): Promise<StreamEvent[]> {
  const text = await response.text();
  return text
    .split('\n\n')
    .filter((chunk) => chunk !== '')
    .map((chunk) => {
      const match = /^event: (\w+)\ndata: (.+)$/.exec(chunk);
      const event: StreamEvent = JSON.parse(match?.[2] ?? 'null');
      assert.equal(event.type, match?.[1]);
      return event;
    });
}

function written(events: StreamEvent[], kind: keyof Delta, index: number): string {
  return events.flatMap((event) => (event.index === index ? (event.delta?.[kind] ?? []) : [])).join('');
}

describe('a streamed answer', () => {
  it('has the events of the Messages API in their order', async () => {
    const response = await post(asking('count to 30', { stream: true }), { path: '/v1/messages?beta=true' });
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    assert.ok(response.headers.get('request-id'));
    const types = (await eventsOf(response)).map((event) => event.type);
    const order =
      /^message_start content_block_start ping( content_block_delta){2,} content_block_stop message_delta message_stop$/;
    assert.match(types.join(' '), order);
  });

  it('is the same message as the answer in one piece', async () => {
    const events = await eventsOf(await post(asking('count to 30', { stream: true })));
    const whole = await answerOf(await post(asking('count to 30')));
    const text = Array.from({ length: 30 }, (_, index) => index + 1).join('\n');
    assert.equal(written(events, 'text', 0), text);
    assert.deepEqual(whole.content, [{ type: 'text', text }]);
    const { delta, usage } = events.findLast((event) => event.type === 'message_delta') ?? {};
    assert.deepEqual([delta?.stop_reason, usage?.output_tokens], ['end_turn', 30]);
    assert.deepEqual([whole.stop_reason, whole.usage.output_tokens], ['end_turn', 30]);
  });

  it('writes the input of a tool call in pieces of JSON', async () => {
    const events = await eventsOf(
      await post(asking('run: echo "hi there"', { stream: true, tools: [bash] })),
    );
    assert.ok(events.filter((event) => event.delta?.partial_json).length > 1);
    assert.equal(JSON.parse(written(events, 'partial_json', 1)).command, 'echo "hi there"');
    assert.equal(events.at(-2)?.delta?.stop_reason, 'tool_use');
  });

  it('thinks first when asked to, and signs the thought', async () => {
    const events = await eventsOf(await post(asking('[demo:think] [demo:say done]', { stream: true })));
    assert.ok(written(events, 'thinking', 0));
    assert.ok(written(events, 'signature', 0));
    assert.equal(written(events, 'text', 1), 'done');
  });

  it('ends at max_tokens', async () => {
    const events = await eventsOf(await post(asking('count to 30', { stream: true, max_tokens: 5 })));
    assert.equal(written(events, 'text', 0), '1\n2\n3\n4\n5');
    assert.equal(events.at(-2)?.delta?.stop_reason, 'max_tokens');
  });

  it('keeps the pace it is told', async () => {
    const begin = performance.now();
    await eventsOf(await post(asking('[demo:slow 100] count to 20', { stream: true })));
    assert.ok(performance.now() - begin >= 200);
  });
});

describe('usage', () => {
  it('grows with the request', async () => {
    const short = await answerOf(await post(asking('hi')));
    const long = await answerOf(await post(asking(`hi ${'word '.repeat(1_000)}`)));
    assert.ok(long.usage.input_tokens > short.usage.input_tokens + 1_000);
  });

  it('can be counted beforehand', async () => {
    const { max_tokens: _, ...body } = asking('x'.repeat(4_000));
    const counted = await answerOf(await post(body, { path: '/v1/messages/count_tokens' }));
    assert.ok(counted.input_tokens > 1_000 && counted.input_tokens < 1_100);
  });
});

describe('a request that cannot be answered', () => {
  const cases: [string, object, number, string, RegExp][] = [
    [
      'of an unknown model',
      asking('hi', { model: 'no-such-model' }),
      404,
      'not_found_error',
      /^model: no-such-model$/,
    ],
    [
      'without a model',
      asking('hi', { model: undefined }),
      400,
      'invalid_request_error',
      /^model: Field required$/,
    ],
    [
      'without max_tokens',
      asking('hi', { max_tokens: undefined }),
      400,
      'invalid_request_error',
      /^max_tokens: Field required$/,
    ],
    [
      'without messages',
      asking('hi', { messages: [] }),
      400,
      'invalid_request_error',
      /^messages: at least one/,
    ],
  ];
  for (const [title, body, status, type, message] of cases) {
    it(`${title} is refused with ${status}`, async () => {
      const response = await post(body);
      assert.equal(response.status, status);
      const answer = await answerOf(response);
      assert.deepEqual([answer.type, answer.error.type], ['error', type]);
      assert.match(answer.error.message, message);
      assert.equal(answer.request_id, response.headers.get('request-id'));
    });
  }

  it('that the Messages API would refuse is refused in its words', async () => {
    const calls = { role: 'assistant', content: [{ type: 'tool_use', id: 'a', name: 'Bash', input: {} }] };
    const messages = [{ role: 'user', content: 'hi' }, calls, { role: 'user', content: 'and?' }];
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      const response = await post(asking('hi', { messages }), { path });
      assert.equal(response.status, 400);
      const { error } = await answerOf(response);
      assert.equal(error.type, 'invalid_request_error');
      assert.match(error.message, /^messages\.1: `tool_use` ids were found without `tool_result` blocks/);
    }
  });

  it('that is larger than 32 MB is refused with 413, and one of half a million arrays with 400', async () => {
    const send = async (body: string) =>
      await answerOf(await fetch(`${demo.url}/v1/messages`, { method: 'POST', body }));
    const large = await send(JSON.stringify(asking('x'.repeat(32 * 2 ** 20))));
    assert.deepEqual(
      [large.error.type, large.error.message],
      ['request_too_large', 'Request exceeds the maximum size'],
    );
    const deep = await send(`{"model": ${'['.repeat(500_001)}`);
    assert.match(deep.error.message, /no body of more than 500000 arrays and objects/);
  });

  it('at an unknown path is refused with 404', async () => {
    assert.equal((await fetch(`${demo.url}/v1/files`)).status, 404);
    assert.equal((await fetch(`${demo.url}/v1/messages`)).status, 404);
  });

  it('with a broken body is refused with 400', async () => {
    assert.equal((await fetch(`${demo.url}/v1/messages`, { method: 'POST', body: '{' })).status, 400);
  });
});

it('reads what it is sent in a thread of its own: nobody else waits for that', async () => {
  const keys = Array.from({ length: 1_000_000 }, (_, at) => `"${at}":0`).join();
  const body = Buffer.from(JSON.stringify(asking('hi')).replace('{', `{"more":{${keys}},`));
  const [own, all] = [process.threadCpuUsage(), process.cpuUsage()];
  assert.equal((await fetch(`${demo.url}/v1/messages`, { method: 'POST', body })).status, 200);
  assert.ok(process.threadCpuUsage(own).user < process.cpuUsage(all).user / 2);
});

it('knows models by the names that clouds give them', async () => {
  const names = [
    'us.anthropic.claude-3-5-sonnet-20241022-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'claude-sonnet-4@20250514',
    'claude-3-5-sonnet-v2@20241022',
  ];
  for (const model of names) {
    assert.equal((await post(asking('hi', { model, max_tokens: 100 }))).status, 200, model);
  }
});

describe('a fault on demand', () => {
  it('answers the status of the directive, with the type that belongs to it', async () => {
    const types = {
      401: 'authentication_error',
      402: 'billing_error',
      403: 'permission_error',
      500: 'api_error',
    };
    for (const [status, type] of Object.entries(types)) {
      const response = await post(asking(`[demo:error ${status}]`));
      assert.equal(response.status, Number(status));
      assert.equal((await answerOf(response)).error.type, type);
    }
  });

  it('strikes as often as it says, each conversation anew', async () => {
    const statuses = async (user_id: string) => {
      const body = asking('[demo:error 429 x2 retry-after 7] hi', { metadata: { user_id } });
      return [await post(body), await post(body), await post(body)].map((response) => [
        response.status,
        response.headers.get('retry-after'),
      ]);
    };
    const expected = [
      [429, '7'],
      [429, '7'],
      [200, null],
    ];
    assert.deepEqual(await statuses('one'), expected);
    assert.deepEqual(await statuses('two'), expected);
  });

  it('cuts the stream once, and answers the retry', async () => {
    const body = asking('[demo:cut] count to 30', { stream: true });
    const cut = await post(body);
    assert.equal(cut.status, 200);
    await assert.rejects(cut.text());
    assert.equal(written(await eventsOf(await post(body)), 'text', 0).split('\n').length, 30);
  });

  it('stalls after half of the stream', async () => {
    const abort = new AbortController();
    const response = await post(asking('[demo:stall] count to 30', { stream: true }), {
      signal: abort.signal,
    });
    let received = '';
    await assert.rejects(async () => {
      for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
        received += chunk;
        if (received.includes('\\n15')) abort.abort();
      }
    });
    assert.doesNotMatch(received, /message_stop/);
  });

  it('hangs until the demo model closes, which leaves no connection open', async () => {
    const own = await startDemoModel();
    const hanging = assert.rejects(post(asking('[demo:hang]'), { url: own.url }));
    await fetch(own.url);
    await own[Symbol.asyncDispose]();
    await hanging;
  });
});

it('stops writing as soon as the client has gone', async () => {
  const responder = { tokensPerSecond: 10, cache: new PromptCache(), faults: new FaultCounter() };
  const work: Promise<void>[] = [];
  const server = createServer((request, response) => work.push(handleRequest(request, response, responder)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const abort = new AbortController();
  const prompt = asking('count from 1 to 100000', { stream: true, max_tokens: 1_000_000 });
  await post(prompt, { url, signal: abort.signal });
  abort.abort();
  await Promise.all(work);
  assert.equal(work.length, 1);
  server.close();
  await once(server, 'close');
});
