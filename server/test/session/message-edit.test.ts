import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import type { SessionEvent, Turn } from '../../../client/src/index.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { createDatabase, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WAIT = 'run: until [ -e go ]; do sleep 0.02; done';

describe('a message that waits', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());
  const messages = () => server.client.sessions.messages;

  const busy = async (on = server): Promise<string> => {
    const id = await on.execute({ prompt: WAIT, allowed_tools: ['Bash'] });
    await on.event(id, ({ kind, data }) => kind === 'sdk' && JSON.stringify(data).includes('"tool_use"'));
    return id;
  };
  const go = async (id: string): Promise<void> =>
    await writeFile(join(sessionDirectories(server.config.dataDir, id).workspace, 'go'), '');
  const send = async (id: string, prompts: string[], delivery: 'queue' | 'steer' = 'queue') => {
    const sent: string[] = [];
    for (const prompt of prompts) sent.push((await messages().send(id, { prompt, delivery })).turn_id);
    return sent as [string, string, string];
  };
  const order = async (id: string) => (await messages().list(id)).map(({ turn_id }) => turn_id);
  const turnEnded = async (id: string, turnId: string | undefined) =>
    await server.event(
      id,
      ({ kind, turn_id, data }) => kind === 'turn' && turn_id === turnId && data.phase === 'ended',
    );
  const newest = async (id: string): Promise<SessionEvent> => {
    const { events } = await server.client.sessions.events(id, { order: 'desc', kinds: ['turn'], limit: 1 });
    return events[0] ?? assert.fail('there is no event');
  };
  const turns = async (id: string): Promise<Turn[]> =>
    await Array.fromAsync(server.client.sessions.turns(id));

  it('is moved before another one, or behind them all, and runs there', async () => {
    const id = await busy();
    const [a, b, c] = await send(id, ['[demo:say a]', '[demo:say b]', '[demo:say c]']);
    await messages().edit(id, c, { before: a });
    assert.deepEqual(await order(id), [c, a, b]);
    const { data } = await newest(id);
    assert.ok('before' in data);
    assert.deepEqual([data.phase, data.delivery, data.before], ['moved', 'queue', a]);
    await messages().edit(id, a, { before: null });
    assert.deepEqual(await order(id), [c, b, a]);
    await messages().edit(id, b, { before: b });
    assert.deepEqual(await order(id), [c, b, a]);
    const [d] = await send(id, ['[demo:say d]']);
    await messages().edit(id, a, { before: b.toUpperCase() });
    assert.deepEqual(await order(id), [c, a, b, d]);
    await go(id);
    await turnEnded(id, d);
    const [, ...rest] = await turns(id);
    const ran = rest.toSorted((x, y) => ((x.started_at ?? '') < (y.started_at ?? '') ? -1 : 1));
    assert.deepEqual(
      ran.map(({ turn_id }) => turn_id),
      [c, a, b, d],
    );
  });

  it('is moved also where places are equal: a server of an older version gives none', async () => {
    const id = await busy();
    const [a, b, c] = await send(id, ['a', 'b', 'c']);
    await sql`update turns set place = 0 where session_id = ${id}`.execute(server.context.database.db);
    await messages().edit(id, c, { before: b });
    assert.deepEqual(await order(id), [a, c, b]);
    await messages().edit(id, b, { before: a });
    assert.deepEqual(await order(id), [b, a, c]);
    await server.client.sessions.cancel(id);
  });

  it('keeps one order, however many move messages at once', async () => {
    const id = await busy();
    const sent = await send(id, ['a', 'b', 'c', 'd', 'e', 'f']);
    const moves = sent.flatMap((one, n) => [
      messages().edit(id, one, { before: sent.at(n - 1) ?? null }),
      messages().edit(id, one, { before: null }),
    ]);
    await Promise.all(moves);
    assert.deepEqual((await order(id)).toSorted(), sent.toSorted());
    const rows = await server.context.database.db
      .selectFrom('turns')
      .select('place')
      .where('session_id', '=', id)
      .where('state', '=', 'queued')
      .execute();
    assert.equal(new Set(rows.map(({ place }) => place)).size, sent.length);
    await server.client.sessions.cancel(id);
  });

  it('stands only before one that waits and is delivered in the same way', async () => {
    const id = await busy();
    const [a, b] = await send(id, ['a', 'b']);
    const [first] = await turns(id);
    const path = `/sessions/${id}/messages`;
    const other = await busy();
    const [foreign] = await send(other, ['x']);
    for (const before of [foreign, 'x', 7]) {
      const { status, body } = await server.request('PATCH', `${path}/${a}`, { before });
      assert.deepEqual([status, body.errors?.[0]?.field], [422, 'before'], String(before));
    }
    const running = await server.request('PATCH', `${path}/${a}`, { before: first?.turn_id });
    assert.deepEqual([running.status, running.body.code], [409, 'message_not_queued']);
    // The parked turn keeps both from being handed on.
    await messages().edit(id, b, { delivery: 'interrupt', prompt: '[demo:slow 20] count from 1 to 60' });
    await server.event(
      id,
      ({ turn_id, data }) => turn_id === b && 'phase' in data && data.phase === 'started',
    );
    const gone = await server.request('PATCH', `${path}/${a}`, { before: b });
    assert.deepEqual([gone.status, gone.body.code], [409, 'message_not_queued']);
    assert.deepEqual(await order(id), [a], 'what is refused changes nothing');
    const nothing = await server.request('PATCH', `${path}/${a}`, {});
    assert.deepEqual([nothing.status, nothing.body.errors[0].field], [422, 'prompt']);
    await server.client.sessions.cancel(id);
    await server.client.sessions.cancel(other);
  });

  it('is sent now: as what interrupts', async () => {
    const id = await busy();
    const [a, b] = await send(id, ['[demo:say a]', '[demo:say b]']);
    const now = await messages().edit(id, b, { delivery: 'interrupt' });
    assert.equal(now.delivery, 'interrupt');
    await turnEnded(id, a);
    const [first, second, third] = await turns(id);
    assert.equal(first?.error?.code, 'interrupted');
    assert.ok((third?.ended_at ?? '') <= (second?.started_at ?? ''), 'it ran before the other one');
    assert.equal(third?.result?.text, 'b');
  });

  it('is sent now: as what steers', async () => {
    const id = await busy();
    const [a, b] = await send(id, ['what is 2 + 2?', 'what is 3 + 3?']);
    await messages().edit(id, b, { delivery: 'steer' });
    await until('the agent has the message', async () => (await turns(id))[2]?.sent_at !== null);
    const late = await server.request('PATCH', `/sessions/${id}/messages/${b}`, { delivery: 'queue' });
    assert.deepEqual([late.status, late.body.code], [409, 'message_not_queued']);
    await go(id);
    await turnEnded(id, a);
    const [first, second, steered] = await turns(id);
    assert.match(first?.result?.text ?? '', /3 \+ 3 = 6/);
    assert.equal(steered?.steered_into, first?.turn_id);
    assert.equal(second?.result?.text, '2 + 2 = 4');
  });

  it('tells other readers of every change, and the end of a turn what it took', async () => {
    const id = await busy();
    const [a, b] = await send(id, ['a', 'b']);
    await messages().edit(id, a, { prompt: 'what is 1 + 1?' });
    const edited = (await newest(id)).data;
    assert.ok('text' in edited && 'phase' in edited);
    assert.deepEqual([edited.phase, edited.text, edited.images], ['edited', 'what is 1 + 1?', 0]);
    await messages().remove(id, b);
    const removed = await newest(id);
    assert.ok('phase' in removed.data && removed.data.phase === 'ended');
    assert.deepEqual([removed.turn_id, 'duration_ms' in removed.data && removed.data.duration_ms], [b, null]);
    await go(id);
    const { data } = await turnEnded(id, a);
    const turn = (await turns(id))[1];
    assert.ok(turn && 'usage' in data && 'cost_usd' in data);
    assert.deepEqual(
      [data.usage, data.duration_ms, data.cost_usd],
      [turn.usage, turn.duration_ms, turn.cost_usd],
    );
    assert.ok(Number(turn.usage.output_tokens) > 0 && Number(data.duration_ms) > 0);
  });

  it('that was discarded can still be read, with its images', async () => {
    const id = await busy();
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
    ] as const;
    const { turn_id } = await messages().send(id, { content: [...content], delivery: 'queue' });
    const [other] = await send(id, ['and this?']);
    const stopped = await server.client.sessions.interrupt(id, { queued: 'discard' });
    assert.deepEqual(stopped.discarded, [turn_id, other]);
    const whole = await server.client.sessions.turn(id, turn_id);
    assert.deepEqual([whole.state, whole.prompt, whole.content], ['cancelled', 'What is this?', content]);
    assert.equal((await server.client.sessions.turn(id, other)).prompt, 'and this?');
  });

  it('has its place also at the next server', async () => {
    await using database = await createDatabase();
    await using directory = await temporaryDirectory();
    const place = { databaseUrl: database.url, dataDir: directory.path };
    let id: string;
    let moved: string[];
    {
      await using first = await startTestServer(place);
      id = await busy(first);
      const list = first.client.sessions.messages;
      const sent: string[] = [];
      for (const prompt of ['[demo:say a]', '[demo:say b]']) {
        sent.push((await list.send(id, { prompt })).turn_id);
      }
      await list.edit(id, sent[1] ?? '', { before: sent[0] ?? null });
      moved = sent.toReversed();
    }
    await using second = await startTestServer(place);
    await second.event(
      id,
      ({ kind, turn_id, data }) => kind === 'turn' && turn_id === moved[1] && data.phase === 'ended',
    );
    const page = await second.client.sessions.events(id, { kinds: ['turn'], limit: 100 });
    const started = page.events.flatMap(({ turn_id, data }) =>
      'phase' in data && data.phase === 'started' ? [turn_id] : [],
    );
    assert.deepEqual(started.slice(-2), moved);
  });
});
