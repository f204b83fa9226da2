import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { json, noConnection, scriptedFetch, silence } from '../test/scripted-fetch.ts';
import { GreenroomConnectionError, GreenroomError } from './errors.ts';
import { type ClientOptions, Http, path, toSegments } from './http.ts';

const problem = (status: number, code: string, headers: Record<string, string> = {}) =>
  json(status, { type: 'urn:x', title: 'X', status, detail: 'it is so', code, request_id: 'r-1' }, headers);

function makeHttp(
  answers: Parameters<typeof scriptedFetch>,
  options: Partial<ClientOptions> = {},
): { http: Http; sent: ReturnType<typeof scriptedFetch>['sent']; waits: number[] } {
  const { fetch, sent } = scriptedFetch(...answers);
  const waits: number[] = [];
  const http = new Http(
    { baseUrl: 'http://greenroom.test/', fetch, ...options },
    { wait: async (ms) => void waits.push(ms) },
  );
  return { http, sent, waits };
}

describe('a request', () => {
  it('carries the key, headers of the caller, its query without what is not given, and JSON', async () => {
    const { http, sent } = makeHttp([json(200, { a: 1 })], {
      apiKey: 'secret',
      headers: { 'x-team': 'red' },
    });
    const answer = await http.json('PATCH', '/x', {
      query: { a: 1, b: undefined, c: null, d: ['e', 'f'] },
      json: { g: 2 },
    });
    assert.deepEqual(answer, { a: 1 });
    assert.equal(sent[0]?.url, 'http://greenroom.test/x?a=1&d=e%2Cf');
    assert.equal(sent[0]?.body, '{"g":2}');
    assert.deepEqual(
      ['authorization', 'x-team', 'content-type'].map((name) => sent[0]?.headers.get(name)),
      ['Bearer secret', 'red', 'application/json'],
    );
  });

  it('is repeated when it reads: after a lost connection, 429 and 503, not before the server says', async () => {
    const { http, sent, waits } = makeHttp([
      noConnection,
      problem(429, 'overloaded', { 'retry-after': '7' }),
      problem(503, 'database_unavailable', { 'retry-after': '2' }),
      json(200, 'ok'),
    ]);
    assert.equal(await http.json('GET', '/x'), 'ok');
    assert.equal(sent.length, 4);
    assert.ok((waits[0] ?? 0) <= 250 && (waits[1] ?? 0) >= 7_000 && (waits[2] ?? 0) >= 2_000, String(waits));
  });

  it('is repeated when it creates, with the same Idempotency-Key, also while the first try is still under way', async () => {
    const { http, sent } = makeHttp([
      noConnection,
      problem(409, 'idempotency_in_flight'),
      json(200, 'ok'),
      json(200, 'ok'),
    ]);
    await http.create('/x', {});
    await http.create('/x', {}, { idempotencyKey: 'mine' });
    const keys = sent.map(({ headers }) => headers.get('idempotency-key'));
    assert.match(keys[0] ?? '', /^[0-9a-f]{32}$/);
    assert.deepEqual(keys, [keys[0], keys[0], keys[0], 'mine']);
  });

  it('is not repeated when that could do something twice, or would not help, or the wait is too long', async () => {
    for (const [method, answer] of [
      ['POST', noConnection],
      ['PATCH', problem(503, 'shutting_down')],
      ['GET', problem(404, 'not_found')],
      ['GET', problem(500, 'internal_error')],
      ['GET', problem(429, 'overloaded', { 'retry-after': '3600' })],
    ] as const) {
      const { http, sent } = makeHttp([answer]);
      await assert.rejects(http.json(method, '/x'));
      assert.equal(sent.length, 1, method);
    }
  });

  it('gives up after maxRetries', async () => {
    const { http, sent } = makeHttp([noConnection, noConnection, noConnection], { maxRetries: 2 });
    await assert.rejects(http.json('GET', '/x'), (error) => {
      assert.ok(error instanceof GreenroomConnectionError);
      assert.match(
        error.message,
        /cannot reach http:\/\/greenroom\.test: fetch failed: connect ECONNREFUSED/,
      );
      return true;
    });
    assert.equal(sent.length, 3);
  });

  it('ends after timeoutMs without an answer, and at once when its caller aborts', async () => {
    const late = makeHttp([silence], { timeoutMs: 5, maxRetries: 0 });
    await assert.rejects(late.http.json('GET', '/x'), {
      name: 'GreenroomConnectionError',
      message: /within 5 ms/,
    });
    const controller = new AbortController();
    const { http, sent } = makeHttp([silence]);
    const asked = http.json('GET', '/x', { signal: controller.signal });
    controller.abort(new Error('changed my mind'));
    await assert.rejects(asked, /changed my mind/);
    assert.equal(sent.length, 1);
  });
});

describe('an error answer', () => {
  const errorOf = async (answer: Parameters<typeof scriptedFetch>[0]): Promise<GreenroomError> =>
    await makeHttp([answer], { maxRetries: 0 })
      .http.json('GET', '/x')
      .then(
        () => assert.fail('no error'),
        (error) => error,
      );

  it('becomes a GreenroomError with all that the server said', async () => {
    const errors = [{ field: 'prompt', message: 'must not be blank' }];
    const body = {
      status: 422,
      detail: 'prompt: …',
      code: 'invalid_request',
      hint: 'say something',
      request_id: 'r-1',
      errors,
    };
    const error = await errorOf(json(422, body, { 'retry-after': '3' }));
    assert.ok(error instanceof GreenroomError);
    const { status, code, detail, hint, requestId, retryAfterMs } = error;
    assert.deepEqual(
      { status, code, detail, hint, requestId, retryAfterMs, errors: error.errors },
      {
        status: 422,
        code: 'invalid_request',
        detail: 'prompt: …',
        hint: 'say something',
        requestId: 'r-1',
        retryAfterMs: 3_000,
        errors,
      },
    );
    assert.equal(error.message, '422 invalid_request: prompt: … (say something)');
  });

  it('is told apart when it came from something else', async () => {
    const error = await errorOf(
      () => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'x-request-id': 'p-7' } }),
    );
    assert.deepEqual(
      [error.status, error.code, error.detail, error.requestId],
      [502, 'unexpected_answer', '<h1>Bad gateway</h1>', 'p-7'],
    );
  });

  it('is what says that all is well and is no JSON', async () => {
    const page = (): Response =>
      new Response('<!doctype html>', { headers: { 'content-type': 'text/html' } });
    const { http, sent } = makeHttp([page]);
    await assert.rejects(http.json('GET', '/x'), (error) => {
      assert.ok(error instanceof GreenroomError);
      assert.deepEqual([error.status, error.code], [200, 'unexpected_answer']);
      assert.match(error.detail, /got text\/html/);
      return true;
    });
    assert.equal(sent.length, 1);
  });

  it('may name the time of the next try as a date', async () => {
    const date = new Date(Date.now() + 30_000).toUTCString();
    const { retryAfterMs = 0 } = await errorOf(problem(429, 'overloaded', { 'retry-after': date }));
    assert.ok(retryAfterMs > 25_000 && retryAfterMs <= 30_000, String(retryAfterMs));
  });
});

describe('a path', () => {
  it('takes each value as one segment, whatever is in it', () => {
    assert.equal(path`/sessions/${'a/b?c#d'}/tasks/${'ü %'}`, '/sessions/a%2Fb%3Fc%23d/tasks/%C3%BC%20%25');
    assert.equal(toSegments('/src/my file?.ts'), 'src/my%20file%3F.ts');
  });

  it('never leads to something else', () => {
    for (const value of ['', '.', '..']) assert.throws(() => path`/sessions/${value}`, TypeError);
    for (const value of ['a/../b', '..', 'a//b', '']) assert.throws(() => toSegments(value), TypeError);
  });
});
