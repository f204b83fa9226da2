import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { handOver, putBack } from '../../src/engine/hold/turns.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import {
  answerText,
  createDatabase,
  findProcesses,
  startTestServer,
  type TestServer,
} from '../support/harness.ts';
import { until } from '../support/server-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Turn = any;

describe('a message to a session', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ config: { maxQueuedMessages: 5 } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  const send = async (id: string, prompt: string, delivery?: string): Promise<Turn> => {
    const sent = await server.request('POST', `/sessions/${id}/messages`, { prompt, delivery });
    assert.equal(sent.status, 202, JSON.stringify(sent.body));
    return sent.body;
  };
  const turns = async (id: string): Promise<Turn[]> =>
    (await server.request('GET', `/sessions/${id}/turns`)).body.turns;
  const turnEnded = async (id: string, turn: Turn) =>
    await server.event(
      id,
      (found) => found.kind === 'turn' && found.turn_id === turn.turn_id && found.data.phase === 'ended',
    );
  /** The tool of the running turn has been called. */
  const toolCalled = async (id: string) =>
    await server.event(
      id,
      (found) =>
        found.kind === 'sdk' &&
        found.data.type === 'assistant' &&
        JSON.stringify(found.data).includes('"tool_use"'),
    );
  const fileOf = (id: string, name: string): string =>
    join(sessionDirectories(server.config.dataDir, id).workspace, name);
  /** A session whose running turn goes on until the file `go` is there. */
  const busy = async (prompt = 'run: until [ -e go ]; do sleep 0.02; done'): Promise<string> => {
    const id = await server.execute({ prompt, allowed_tools: ['Bash'] });
    await toolCalled(id);
    return id;
  };
  const go = async (id: string): Promise<void> => {
    await writeFile(fileOf(id, 'go'), '');
  };

  it('to an ended session is its next turn', async () => {
    const id = await server.execute({ prompt: 'My name is Grace.' });
    await server.ended(id);
    const turn = await send(id, 'What is my name?');
    assert.deepEqual([turn.number, turn.state, turn.delivery], [2, 'queued', 'queue']);
    assert.match(answerText(await server.ended(id)), /Grace/);
  });

  it('that queues runs as a turn of its own after the running one, in the order of arrival', async () => {
    const id = await busy();
    const second = await send(id, 'what is 2 + 2?');
    const third = await send(id, 'what is 3 + 3?');
    const { body } = await server.request('GET', `/sessions/${id}/messages`);
    assert.deepEqual(
      body.messages.map((turn: Turn) => turn.turn_id),
      [second.turn_id, third.turn_id],
    );
    await go(id);
    await turnEnded(id, third);
    const [first, ...rest] = await turns(id);
    assert.match(first.result.text, /I ran/);
    assert.deepEqual(
      rest.map((turn) => turn.result.text),
      ['2 + 2 = 4', '3 + 3 = 6'],
    );
    assert.ok(rest[0].ended_at <= rest[1].started_at);
  });

  it('that steers becomes part of the running turn at its next model call', async () => {
    const id = await busy();
    const hint = await send(id, 'what is 2 + 2?', 'steer');
    await until('the agent has the message', async () => (await turns(id))[1]?.sent_at !== null);
    await go(id);
    const [running] = await turns(id);
    await turnEnded(id, running);
    const [first, steered] = await turns(id);
    assert.equal(steered.turn_id, hint.turn_id);
    assert.match(first.result.text, /2 \+ 2 = 4/);
    assert.deepEqual([steered.state, steered.steered_into], ['completed', first.turn_id]);
    assert.equal(steered.cost_usd, 0);
  });

  it('that steers is part of the turn before its agent has it', async () => {
    const id = await busy();
    const hint = await send(id, 'what is 2 + 2?', 'steer');
    const [running] = await turns(id);
    const steered = await server.event(
      id,
      (found) => found.kind === 'turn' && found.turn_id === hint.turn_id && found.data.phase === 'steered',
    );
    assert.ok('steered_into' in steered.data && steered.data.steered_into === running.turn_id);
    const late = await server.request('DELETE', `/sessions/${id}/messages/${hint.turn_id}`);
    assert.deepEqual([late.status, late.body.code], [409, 'message_not_queued']);
    assert.match(late.body.detail, /has been given to the agent/);
    await go(id);
    assert.match(answerText(await server.ended(id)), /2 \+ 2 = 4/);
  });

  it('that steers a turn without another model call has an answer of its own in that turn', async () => {
    const id = await server.execute({ prompt: '[demo:slow 40] count from 1 to 30' });
    await server.event(id, (found) => found.kind === 'sdk' && found.data.subtype === 'init');
    const queued = await send(id, 'what is 3 + 3?');
    await send(id, 'what is 2 + 2?', 'steer');
    await turnEnded(id, queued);
    const [first, third, second] = await turns(id);
    assert.equal(first.result.text, '2 + 2 = 4');
    assert.equal(first.result.num_turns, 2);
    assert.deepEqual([second.state, second.steered_into], ['completed', first.turn_id]);
    assert.ok(first.ended_at <= third.started_at);
    const status = await server.ended(id);
    assert.match(JSON.stringify(status.messages), /28\\n29\\n30/);
    assert.equal((await turns(id)).length, 3, 'nothing ran twice');
  });

  it('that interrupts stops the running turn and runs instead of it', async () => {
    const id = await busy();
    const waiting = await send(id, 'what is 3 + 3?');
    const urgent = await send(id, 'what is 2 + 2?', 'interrupt');
    await turnEnded(id, waiting);
    const [first, last, second] = await turns(id);
    assert.deepEqual([first.state, first.error.code], ['cancelled', 'interrupted']);
    assert.equal(second.turn_id, urgent.turn_id);
    assert.equal(second.result.text, '2 + 2 = 4');
    assert.equal(last.result.text, '3 + 3 = 6');
    assert.ok(second.ended_at <= last.started_at);
  });

  it('can be edited and taken back while it waits, and not after', async () => {
    const id = await busy();
    const edited = await send(id, 'what is 3 + 3?');
    const removed = await send(id, 'what is 4 + 4?');
    const path = `/sessions/${id}/messages`;
    const patch = await server.request('PATCH', `${path}/${edited.turn_id}`, { prompt: 'what is 5 + 5?' });
    assert.equal(patch.body.prompt, 'what is 5 + 5?');
    const taken = await server.request('DELETE', `${path}/${removed.turn_id}`);
    assert.equal(taken.body.state, 'cancelled');
    await go(id);
    await turnEnded(id, edited);
    const all = await turns(id);
    assert.equal(all[1].result.text, '5 + 5 = 10');
    assert.deepEqual([all[2].state, all[2].error.code], ['cancelled', 'cancelled']);
    for (const method of ['PATCH', 'DELETE']) {
      const body = method === 'PATCH' ? { prompt: 'too late' } : undefined;
      const late = await server.request(method, `${path}/${edited.turn_id}`, body);
      assert.deepEqual([late.status, late.body.code], [409, 'message_not_queued']);
    }
  });

  it('is refused with 429 when too many wait already', async () => {
    const id = await busy();
    for (let n = 0; n < 5; n++) await send(id, `what is ${n} + 1?`);
    const refused = await server.request('POST', `/sessions/${id}/messages`, { prompt: 'one too many' });
    assert.deepEqual([refused.status, refused.body.code], [429, 'overloaded']);
    assert.ok(refused.headers.get('retry-after'));
    await server.request('POST', `/cancel/${id}`);
    await server.ended(id);
  });

  const png =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const content = [
    { type: 'text', text: 'What is "data":" this?' },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
    { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
    { type: 'text', text: 'And ä?' },
  ];
  const jpeg = Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex').toString('base64');
  const imagePath = (id: string, turnId: string, number: number): string =>
    `/sessions/${id}/turns/${turnId}/images/${number}`;
  const shownIn = (id: string, turnId: string) => [
    content[0],
    { type: 'image', media_type: 'image/png', size: 70, url: imagePath(id, turnId, 1) },
    { type: 'image', media_type: 'image/png', size: 70, url: imagePath(id, turnId, 2) },
    content[3],
  ];

  it('may have images in it, which are shown by size and address; the turn itself has them', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const sent = await server.request('POST', `/sessions/${id}/messages`, { content });
    assert.equal(sent.status, 202, JSON.stringify(sent.body));
    assert.equal(sent.body.prompt, 'What is "data":" this?\nAnd ä?');
    const shown = shownIn(id, sent.body.turn_id);
    assert.deepEqual(sent.body.content, shown);
    const status = await server.ended(id);
    assert.equal(status.status, 'completed', status.error ?? '');
    const [, turn] = await turns(id);
    assert.deepEqual(turn.content, shown);
    const { body: session } = await server.request('GET', `/sessions/${id}`);
    assert.deepEqual(session.turns[1], turn);
    const { body: whole } = await server.request('GET', `/sessions/${id}/turns/${turn.turn_id}`);
    assert.deepEqual(whole, { ...turn, content });
    assert.equal((await server.request('GET', `/sessions/${id}/turns/${session.session_id}`)).status, 404);
    assert.equal((await server.request('GET', `/sessions/${id}/turns/x`)).status, 404);
  });

  it('has its images where their addresses say, as bytes that a browser runs nothing of', async () => {
    const id = await busy();
    const { client } = server;
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: jpeg } };
    const said = [content[0], content[1], picture] as Parameters<
      typeof client.sessions.messages.send
    >[1]['content'];
    const { turn_id: turnId, content: shown } = await client.sessions.messages.send(id, { content: said });
    const last = shown?.at(-1);
    assert.ok(last?.type === 'image');
    const get = async (path: string, headers = {}) => await fetch(server.url + path, { headers });
    const answer = await get(last.url);
    assert.equal(answer.status, 200);
    assert.deepEqual(Buffer.from(await answer.arrayBuffer()), Buffer.from(jpeg, 'base64'));
    const header = (name: string): string => answer.headers.get(name) ?? '';
    assert.deepEqual(
      [header('content-type'), header('content-length'), header('x-content-type-options')],
      ['image/jpeg', String(last.size), 'nosniff'],
    );
    assert.match(header('content-security-policy'), /default-src 'none'; sandbox/);
    assert.match(header('content-disposition'), /^attachment; filename\*=UTF-8''image-2\.jpeg$/);
    assert.match(header('cache-control'), /private/);
    assert.equal((await get(last.url, { 'if-none-match': header('etag') })).status, 304);
    const part = await get(last.url, { range: 'bytes=0-2' });
    assert.deepEqual([part.status, Buffer.from(await part.arrayBuffer()).toString('hex')], [206, 'ffd8ff']);
    assert.deepEqual(Buffer.from(await client.sessions.image(id, turnId, 1)), Buffer.from(png, 'base64'));
    for (const number of ['0', '3', '-1', 'x', '1e0', '99999']) {
      assert.equal((await get(`/sessions/${id}/turns/${turnId}/images/${number}`)).status, 404, number);
    }
    await server.request('POST', `/cancel/${id}`);
    await server.ended(id);
  });

  it('is refused where an image is one that a browser might run', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const data = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>').toString(
      'base64',
    );
    for (const media_type of ['image/svg+xml', 'image/png']) {
      const image = { type: 'image', source: { type: 'base64', media_type, data } };
      const { status } = await server.request('POST', `/sessions/${id}/messages`, { content: [image] });
      assert.equal(status, 422, media_type);
    }
  });

  it('that is sent twice with an Idempotency-Key gives the same answer, which is not kept beside it', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const { messages } = server.client.sessions;
    const message = { content } as Parameters<typeof messages.send>[1];
    const first = await messages.send(id, message, { idempotencyKey: 'image' });
    await turnEnded(id, first);
    assert.deepEqual(await messages.send(id, message, { idempotencyKey: 'image' }), first);
    assert.deepEqual(first.content, shownIn(id, first.turn_id));
    const { db } = server.context.database;
    const kept = await db
      .selectFrom('idempotency_keys')
      .select('answer')
      .where('key', '=', 'image')
      .execute();
    assert.equal(kept.length, 1);
    assert.doesNotMatch(JSON.stringify(kept), /iVBOR|What is/);
  });

  it('that waits is listed in the order in which it will run, page after page', async () => {
    await using server = await startTestServer({ config: { maxSessions: 1 } });
    const other = await server.execute({ prompt: '[demo:hang]' });
    await server.event(other, (found) => found.kind === 'sdk');
    const id = await server.execute({ prompt: 'hello' });
    const ids = [(await server.client.sessions.get(id)).turns[0]?.turn_id ?? ''];
    for (const delivery of ['queue', 'steer', 'queue', 'steer', 'queue']) {
      const message = { prompt: `[demo:say ${delivery}]`, delivery: delivery as 'queue' | 'steer' };
      ids.push((await server.client.sessions.messages.send(id, message)).turn_id);
    }
    const [first, a, b, c, d, e] = ids;
    const expected = [b, d, first, a, c, e];
    const listed: string[] = [];
    let query = '';
    for (let next: string | null = ''; next !== null; query = `&after=${next}`) {
      const { body } = await server.request('GET', `/sessions/${id}/messages?limit=2${query}`);
      assert.ok(body.messages.length <= 2);
      listed.push(...body.messages.map((turn: Turn) => turn.turn_id));
      next = body.next;
    }
    assert.deepEqual(listed, expected);
    const all = await server.client.sessions.messages.list(id);
    assert.deepEqual(
      all.map((turn) => turn.turn_id),
      expected,
    );
    for (const each of [id, other]) await server.client.sessions.cancel(each);
  });

  it('is one of the kinds there are, and goes to a session that is there', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const wrong = await server.request('POST', `/sessions/${id}/messages`, { prompt: 'x', delivery: 'now' });
    assert.deepEqual([wrong.status, wrong.body.errors[0].field], [422, 'delivery']);
    const gone = await server.request('POST', '/sessions/019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f/messages', {
      prompt: 'x',
    });
    assert.equal(gone.status, 404);
  });

  describe('an interrupt', () => {
    it('stops the turn, keeps the agent process and what waits', async () => {
      const id = await busy();
      const pids = await findProcesses(`${server.context.dataDirectory.mark}${id}/`);
      const waiting = await send(id, 'what is 2 + 2?');
      const [running] = await turns(id);
      const stopped = await server.request('POST', `/sessions/${id}/interrupt`);
      assert.equal(stopped.status, 200);
      assert.deepEqual(stopped.body, {
        session_id: id,
        status: 'pending',
        interrupted: running.turn_id,
        discarded: [],
      });
      await turnEnded(id, waiting);
      assert.equal((await turns(id))[1].result.text, '2 + 2 = 4');
      const after = await findProcesses(`${server.context.dataDirectory.mark}${id}/`);
      assert.ok(
        after.some((pid) => pids.includes(pid)),
        'the process was kept',
      );
    });

    it('drops what waits when it is told to', async () => {
      const id = await busy();
      const waiting = await send(id, 'what is 2 + 2?');
      const stopped = await server.request('POST', `/sessions/${id}/interrupt?queued=discard`);
      assert.deepEqual([stopped.body.status, stopped.body.discarded], ['cancelled', [waiting.turn_id]]);
      await send(id, 'what is 3 + 3?');
      assert.equal(answerText(await server.ended(id)), '3 + 3 = 6');
    });

    it('has nothing to stop in a session that is idle', async () => {
      const id = await server.execute({ prompt: 'hello' });
      await server.ended(id);
      const { status, body } = await server.request('POST', `/sessions/${id}/interrupt`);
      assert.deepEqual([status, body.code], [400, 'session_not_running']);
    });
  });

  it('is not given again where the agent gives another one back', async () => {
    const { db } = server.context.database;
    const id = await busy();
    const [one, two] = [await send(id, 'hello', 'steer'), await send(id, 'hello again', 'steer')];
    const { fence } = await db
      .selectFrom('sessions')
      .select('fence')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    const hold = { sessionId: id, fence };
    await until('the agent has both', async () => {
      const sent = await db.selectFrom('turns').select('sent_at').where('session_id', '=', id).execute();
      return sent.filter(({ sent_at }) => sent_at !== null).length === 2;
    });
    await putBack(db, hold, one.turn_id);
    assert.deepEqual((await turns(id))[1].state, 'queued');
    const { turn_id: turnId } = (await turns(id))[0];
    const handed = await handOver(db, hold, { turnId, given: new Set([two.turn_id]) });
    assert.deepEqual(
      handed.messages.map((turn) => turn.id),
      [one.turn_id],
    );
    const again = await handOver(db, hold, { turnId, given: new Set([two.turn_id]) });
    assert.deepEqual(
      again.messages.map((turn) => turn.id),
      [one.turn_id],
      'where the answer was lost it says the same again',
    );
    await go(id);
    await server.event(id, ({ kind, data }) => kind === 'turn' && data.phase === 'ended');
    const [first, ...steered] = await turns(id);
    assert.deepEqual(
      steered.map((turn: Turn) => [turn.turn_id, turn.steered_into]),
      [one, two].map((turn) => [turn.turn_id, first.turn_id]),
    );
  });

  it('keeps the message of a steering client when its turn is interrupted before it was read', async () => {
    const id = await busy();
    const hint = await send(id, 'what is 2 + 2?', 'steer');
    await server.request('POST', `/sessions/${id}/interrupt`);
    await turnEnded(id, hint);
    const [, second] = await turns(id);
    assert.equal(second.result.text, '2 + 2 = 4');
  });

  it('is not run after a cancel, read or not', async () => {
    for (const isCancel of [true, false]) {
      const id = await busy();
      const hint = await send(id, 'run: echo x > late', 'steer');
      await server.event(
        id,
        ({ kind, data }) => kind === 'turn' && 'phase' in data && data.phase === 'steered',
      );
      const stop = isCancel ? `/cancel/${id}` : `/sessions/${id}/interrupt?queued=discard`;
      await server.request('POST', stop);
      const { data } = await turnEnded(id, hint);
      assert.ok('state' in data && data.state === 'cancelled');
      assert.equal((await server.request('GET', `/sessions/${id}`)).body.status, 'cancelled');
      await send(id, 'what is 3 + 3?');
      assert.equal(answerText(await server.ended(id)), '3 + 3 = 6');
      await assert.rejects(readFile(fileOf(id, 'late')), { code: 'ENOENT' });
    }
  });

  it('an Idempotency-Key makes a repeat harmless', async () => {
    const post = async (path: string, body: object, key: string) => {
      const response = await fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify(body),
      });
      // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
      return { status: response.status, headers: response.headers, body: (await response.json()) as any };
    };
    const first = await post('/execute/', { prompt: 'hello' }, 'key-1');
    const again = await post('/execute/', { prompt: 'hello' }, 'key-1');
    assert.deepEqual(again.body, first.body);
    assert.equal(again.headers.get('idempotent-replayed'), 'true');
    const other = await post('/execute/', { prompt: 'something else' }, 'key-1');
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused']);
    const id = first.body.session_id;
    await server.ended(id);
    const message = await post(`/sessions/${id}/messages`, { prompt: 'what is 2 + 2?' }, 'key-1');
    assert.equal(message.status, 202);
    await server.ended(id);
    const repeated = await post(`/sessions/${id}/messages`, { prompt: 'what is 2 + 2?' }, 'key-1');
    assert.deepEqual(repeated.body, message.body);
    assert.equal((await turns(id)).length, 2);
    const many = await Promise.all(
      Array.from({ length: 8 }, async () => await post('/execute/', { prompt: 'at once' }, 'key-2')),
    );
    const ids = new Set(many.filter((found) => found.status === 200).map((found) => found.body.session_id));
    assert.equal(ids.size, 1);
    for (const found of many) assert.ok([200, 409].includes(found.status), JSON.stringify(found.body));
    const [created = ''] = ids;
    await server.ended(created);
    const wrong = await post('/execute/', { prompt: 'hello' }, 'a b');
    assert.equal(wrong.status, 422);
  });

  it('a turn that takes longer than timeout_s ends as timeout, and the session goes on', async () => {
    const id = await server.execute({
      prompt: 'run: sleep 60',
      allowed_tools: ['Bash'],
      timeout_s: 1,
    });
    const status = await server.ended(id);
    assert.equal(status.status, 'error');
    assert.equal((await turns(id))[0].error.code, 'timeout');
    // The next turn starts an agent anew, and may take its time.
    await server.request('PATCH', `/sessions/${id}`, { timeout_s: 60 });
    await send(id, 'what is 2 + 2?');
    assert.equal(answerText(await server.ended(id)), '2 + 2 = 4');
  });

  it('a session that has spent its budget ends its turns as budget_exceeded until the budget is raised', async () => {
    const id = await server.execute({ prompt: 'hello', max_budget_usd: 0.001 });
    await server.ended(id);
    const [first] = await turns(id);
    assert.ok(first.cost_usd > 0.001, String(first.cost_usd));
    await send(id, 'what is 2 + 2?');
    const refused = await server.ended(id);
    assert.match(refused.error ?? '', /budget/);
    assert.equal((await turns(id))[1].error.code, 'budget_exceeded');
    assert.equal((await turns(id))[1].cost_usd, 0);
    const raised = await server.request('PATCH', `/sessions/${id}`, { max_budget_usd: 1 });
    assert.equal(raised.body.max_budget_usd, 1);
    await send(id, 'what is 2 + 2?');
    assert.equal(answerText(await server.ended(id)), '2 + 2 = 4');
    const session = (await server.request('GET', `/sessions/${id}`)).body;
    const sum = session.turns.reduce((total: number, turn: Turn) => total + turn.cost_usd, 0);
    assert.ok(Math.abs(session.cost_usd - sum) < 1e-9);
  });

  it('settings that say nothing are removed, as those that are null', async () => {
    const { session_id: id } = await server.client.execute({
      prompt: 'hello',
      model: 'haiku',
      system_prompt: 'You are a poet.',
      fallback_model: 'sonnet',
      append_system_prompt: 'Be brief.',
      env: { A: '1' },
      allowed_tools: ['Bash'],
      tools: ['Bash'],
    });
    const settings = { model: '', system_prompt: ' ', fallback_model: '', append_system_prompt: null };
    const empty = { env: {}, allowed_tools: [], tools: [] };
    const { body } = await server.request('PATCH', `/sessions/${id}`, { ...settings, ...empty });
    assert.deepEqual(body.options, empty, 'an empty list or object is a value');
    await server.ended(id);
  });

  it('settings change while the session works, and null removes one', async () => {
    const id = await busy();
    const patched = await server.request('PATCH', `/sessions/${id}`, {
      model: 'haiku',
      title: 'mine',
      metadata: { team: 'blue' },
    });
    assert.equal(patched.status, 200, JSON.stringify(patched.body));
    assert.deepEqual(
      [patched.body.title, patched.body.metadata, patched.body.options.model],
      ['mine', { team: 'blue' }, 'haiku'],
    );
    await go(id);
    const status = await server.ended(id);
    assert.match(status.messages.findLast((m) => m.type === 'AssistantMessage')?.content.model, /haiku/);
    const removed = await server.request('PATCH', `/sessions/${id}`, { title: null, model: null });
    assert.deepEqual([removed.body.title, removed.body.options.model], [null, undefined]);
    const unknown = await server.request('PATCH', `/sessions/${id}`, { modell: 'haiku' });
    assert.equal(unknown.status, 422);
    assert.match(unknown.body.errors[0].message, /model/);
  });
});

describe('a change of model or permission mode', () => {
  it('holds from the next request on, and asks the model nothing by itself', async () => {
    await using server = await startTestServer({ config: { model: null } });
    const id = await server.execute({ prompt: 'hello' });
    const { sessions } = server.client;
    /** The models of all requests until now, in their order. */
    const asked = async (): Promise<string[]> => {
      const ledger = server.context.database.db.selectFrom('usage_ledger').select('model');
      return (await ledger.where('session_id', '=', id).orderBy('started_at').execute()).map(
        (row) => row.model,
      );
    };
    const turn = async (prompt: string): Promise<void> => {
      await sessions.messages.send(id, { prompt });
      await server.ended(id);
    };
    await server.ended(id);
    const [preset] = await asked();
    await sessions.update(id, { model: 'haiku' });
    await turn('one');
    await sessions.update(id, { model: 'claude-sonnet-4-6', permission_mode: 'plan' });
    await turn('two');
    await sessions.update(id, { model: null, permission_mode: null });
    await turn('three');
    const models = await asked();
    assert.equal(models.length, 4, models.join());
    const [first, second = '', third = '', fourth] = models;
    assert.deepEqual([first, fourth], [preset, preset]);
    assert.match(second, /haiku/);
    assert.match(third, /sonnet/);
  });
});

describe('a message that was given to an agent whose server stops', () => {
  it('runs once, as a turn of its own, where the agent never read it', async () => {
    await using database = await createDatabase();
    const start = async () => await startTestServer({ databaseUrl: database.url });
    let id = '';
    {
      await using server = await start();
      const prompt = 'run: sleep 300';
      id = await server.execute({ prompt, allowed_tools: ['Bash'], on_interruption: 'end' });
      await server.event(id, (found) => JSON.stringify(found.data).includes('"tool_use"'));
      const hint = await server.client.sessions.messages.send(id, {
        prompt: 'run: echo x >> marks',
        delivery: 'steer',
      });
      await server.event(
        id,
        ({ kind, turn_id, data }) =>
          kind === 'turn' && turn_id === hint.turn_id && 'phase' in data && data.phase === 'steered',
      );
      await server.context.worker.drain(0, new AbortController().signal);
      const [cut, waiting] = (await server.client.sessions.get(id)).turns;
      assert.deepEqual([cut?.state, cut?.error?.code], ['error', 'interrupted']);
      assert.deepEqual([waiting?.state, waiting?.steered_into, waiting?.sent_at], ['queued', null, null]);
    }
    await using server = await start();
    await server.ended(id);
    const { turns } = await server.client.sessions.get(id);
    assert.deepEqual(
      turns.map(({ state }) => state),
      ['error', 'completed'],
    );
    const workspace = sessionDirectories(server.config.dataDir, id).workspace;
    assert.equal(await readFile(join(workspace, 'marks'), 'utf8'), 'x\n');
  });
});
