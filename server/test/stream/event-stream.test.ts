import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Kysely } from 'kysely';
import type { Database } from '../../src/ground/db/database.ts';
import { newBatchId, newSessionId } from '../../src/ground/ids.ts';
import type { EventDraft, EventView } from '../../src/session/event/event.ts';
import { EventLog } from '../../src/session/event/event-log.ts';
import { appendFenced } from '../../src/session/event/store.ts';
import { insertSession } from '../../src/session/store.ts';
import { openStream, parseStream, readStream, readTable, type SseEvent } from '../support/event-source.ts';
import { createDatabase, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import { Random } from '../support/random.ts';
import { startServerProcess, until } from '../support/server-process.ts';

const seed = Number(process.env.STREAM_SEED ?? randomInt(2 ** 31));
const LARGE = 20_000;

const draft = (text: string): EventDraft => ({
  kind: 'sdk',
  data: { type: 'test', text },
  turnId: null,
  at: new Date(),
});

const isTurnEnd = (event: EventView): boolean => event.kind === 'turn' && event.data.phase === 'ended';
const seqs = (events: readonly EventView[]): number[] => events.map((event) => event.seq);
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

/** A session without an agent, whose log the test writes. */
async function newSession(server: TestServer): Promise<{ id: string; append(text: string): Promise<void> }> {
  const { database, bus, logger } = server.context;
  const id = newSessionId();
  const session = {
    id,
    tenantId: 'default',
    options: {},
    cwd: null,
    title: null,
    metadata: {},
    apiKeyId: null,
    maxBudgetUsd: null,
  };
  await database.db.transaction().execute(async (trx) => await insertSession(trx, session));
  const log = new EventLog({ db: database.db, bus, logger });
  return { id, append: async (text) => await log.append(id, 0, draft(text)) };
}

/** Reads until `isLast`, and tells nothing that came twice or out of order. */
async function readUntil(
  url: string,
  isLast: (event: SseEvent) => boolean,
  lastEventId?: string,
): Promise<SseEvent[]> {
  const seen: SseEvent[] = [];
  for await (const event of readStream(url, { lastEventId, signal: AbortSignal.timeout(30_000) })) {
    seen.push(event);
    if (isLast(event)) return seen;
  }
  return seen;
}

/** As the node would have: what is locked at the moment is left for the next try. */
async function appendQuietly(db: Kysely<Database>, sessionId: string): Promise<void> {
  const items = [{ sessionId, fence: 0, draft: draft('quiet') }];
  while ((await appendFenced(db, newBatchId(), items)).length === 0);
}

describe('the event stream of a session', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  before(async () => {
    server = stack.use(await startTestServer({ config: { maxSessions: 4 } }));
  });
  after(async () => await stack.disposeAsync());

  const streamOf = (id: string, query = '', at = server): string =>
    `${at.url}/sessions/${id}/events${query === '' ? '' : `?${query}`}`;
  const table = async (id: string): Promise<EventView[]> => await readTable(server.context.database.db, id);
  const follows = async (count: number, at = server): Promise<void> =>
    await until('the streams are live', async () => at.context.streams.counts.live === count);

  it('P4: gives 200 subscribers that drop at random and resume the identical list, equal to the table', async (t) => {
    t.diagnostic(`STREAM_SEED=${seed}`);
    const commands = Array.from({ length: 20 }, (_, n) => `run: echo ${n}`).join(' then ');
    const id = await server.execute({ prompt: commands, allowed_tools: ['Bash'] });
    let drops = 0;
    const lists = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const random = new Random(seed + n);
        const seen: EventView[] = [];
        while (!seen.some(isTurnEnd)) {
          let patience = Math.ceil(random.next() * 12);
          const lastEventId = seen.at(-1)?.seq.toString();
          for await (const event of readStream(streamOf(id), { lastEventId })) {
            assert.equal(event.id, String(event.data.seq));
            seen.push(event.data);
            if (isTurnEnd(event.data) || --patience === 0) break;
          }
          drops++;
        }
        return seen;
      }),
    );
    assert.ok(drops > 400, `${drops} drops`);
    const stored = await table(id);
    const end = stored.findIndex(isTurnEnd);
    assert.ok(end > 60, `${end} events`);
    for (const list of lists) assert.deepEqual(list, stored.slice(0, end + 1));
  });

  it('P4: gives a reader every event once across the cut-over from stored to live, large ones and lost signals too', async () => {
    const { id, append } = await newSession(server);
    const total = 300;
    for (let n = 1; n <= 50; n++) await append(String(n));
    const reading = readUntil(streamOf(id, 'after=10'), (event) => event.id === String(total));
    const { db } = server.context.database;
    for (let n = 51; n <= total; n++) {
      if (n % 50 === 0) await append('x'.repeat(LARGE));
      // Appended without a signal, as by a node that died before it could publish.
      else if (n % 7 === 0) await appendQuietly(db, id);
      else if (n % 20 === 0) await append('awaited');
      else void append(String(n));
    }
    const seen = (await reading).map((event) => event.data);
    assert.deepEqual(seen, (await table(id)).slice(10));
  });

  it('answers at once with headers that keep proxies from holding it back, and says how soon to retry', async () => {
    const { id } = await newSession(server);
    const response = await openStream(streamOf(id));
    const { headers } = response;
    assert.equal(headers.get('content-type'), 'text/event-stream');
    assert.equal(headers.get('cache-control'), 'no-cache, no-transform');
    assert.equal(headers.get('x-accel-buffering'), 'no');
    assert.equal(headers.get('content-encoding'), null);
    assert.match(headers.get('x-request-id') ?? '', /./);
    const reader = response.body?.getReader() ?? assert.fail('no body');
    assert.equal(new TextDecoder().decode((await reader.read()).value), 'retry: 1000\n\n');
    await reader.cancel();
    const head = await fetch(streamOf(id), { method: 'HEAD', headers: { accept: 'text/event-stream' } });
    assert.equal(head.status, 200);
    assert.equal(head.headers.get('content-type'), 'text/event-stream');
  });

  it('sends a heartbeat while nothing happens', async () => {
    await using quiet = await startTestServer({ parts: { streamTimes: { heartbeatMs: 20 } } });
    const { id } = await newSession(quiet);
    const { body } = await openStream(streamOf(id, '', quiet));
    let text = '';
    for await (const bytes of body ?? assert.fail('no body')) {
      text += Buffer.from(bytes).toString();
      if (text.includes(': heartbeat\n\n: heartbeat\n\n')) break;
    }
  });

  it('leaves nothing behind when its clients are gone, and listens to the bus once however many they are', async () => {
    const { id, append } = await newSession(server);
    const stop = new AbortController();
    const streams = await Promise.all(
      Array.from({ length: 20 }, async () => await openStream(streamOf(id), { signal: stop.signal })),
    );
    await follows(20);
    assert.equal(server.context.streams.counts.channels, 1);
    await append('seen by all');
    for (const { body } of streams) {
      for await (const event of parseStream(body ?? assert.fail('no body'))) {
        assert.equal(event.data.data.text, 'seen by all');
        break;
      }
    }
    stop.abort();
    await until('all is cleaned up', async () => {
      const { connections, channels, followers } = server.context.streams.counts;
      return connections + channels + followers === 0;
    });
  });

  it('shows only the kinds asked for, under their own numbers, stored and live', async () => {
    const id = await server.execute({ prompt: 'hello' });
    const seen = await readUntil(
      streamOf(id, 'kinds=turn,session'),
      ({ data }) => data.data.status === 'completed',
    );
    const stored = (await table(id)).filter(({ kind }) => kind === 'turn' || kind === 'session');
    assert.deepEqual(
      seen.map((event) => event.data),
      stored,
    );
    const again = await readUntil(
      streamOf(id, 'kinds=turn,session'),
      ({ data }) => data.data.status === 'completed',
      seen[1]?.id ?? '',
    );
    assert.deepEqual(again, seen.slice(2));
  });

  describe('with a client that does not read', () => {
    /** A connection that takes nothing until it is told to. */
    const openSlow = async (url: string): Promise<Socket> => {
      const { hostname, port, pathname } = new URL(url);
      const socket = connect({ host: hostname, port: Number(port) });
      socket.pause();
      socket.write(`GET ${pathname} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n`);
      return socket;
    };
    /** More than the kernel holds for a connection. */
    const TOO_MUCH = 700;
    const appendAll = async (append: (text: string) => Promise<void>): Promise<void> => {
      for (let n = 0; n < TOO_MUCH; n += 20)
        await Promise.all(Array.from({ length: 20 }, async () => await append('x'.repeat(LARGE))));
    };
    const readAll = async (socket: Socket, last: number): Promise<EventView[]> => {
      const seen: EventView[] = [];
      const body = (async function* () {
        let isBody = false;
        for await (const bytes of socket) {
          const from = isBody ? 0 : (bytes as Buffer).indexOf('\r\n\r\n') + 4;
          isBody = true;
          yield (bytes as Buffer).subarray(from);
        }
      })();
      try {
        for await (const event of parseStream(body)) {
          seen.push(event.data);
          if (event.data.seq === last) break;
        }
      } catch (error) {
        assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET');
      }
      return seen;
    };

    it('holds at most 64 KB for it, serves the others meanwhile, and catches up when it reads', async () => {
      const { id, append } = await newSession(server);
      const { streams } = server.context;
      const slow = await openSlow(streamOf(id));
      await follows(1);
      const others = readUntil(streamOf(id), (event) => event.id === String(TOO_MUCH));
      await follows(2);
      let buffered = 0;
      const watch = setInterval(() => {
        buffered = Math.max(buffered, streams.counts.buffered);
      }, 1);
      await appendAll(append);
      assert.equal((await others).length, TOO_MUCH);
      await until('only the slow one is left', async () => streams.counts.connections === 1);
      assert.equal(streams.counts.live, 0, 'it is lagging');
      assert.ok(streams.counts.buffered > 0);
      const reading = readAll(slow, TOO_MUCH + 1);
      await follows(1);
      await append('live again');
      const seen = await reading;
      clearInterval(watch);
      // Two connections, of which the fast one may be caught with a write under way.
      assert.ok(buffered <= 2 * 64 * 1024, `${buffered} bytes`);
      assert.deepEqual(seen, await table(id));
    });

    it('cuts it off when its patience ends; it resumes from its id', async () => {
      await using hasty = await startTestServer({ parts: { streamTimes: { patienceMs: 200 } } });
      const { id, append } = await newSession(hasty);
      const slow = await openSlow(streamOf(id, '', hasty));
      await follows(1, hasty);
      await appendAll(append);
      await until('it is cut off', async () => hasty.context.streams.counts.connections === 0);
      const seen = await readAll(slow, TOO_MUCH);
      assert.ok(seen.length < TOO_MUCH);
      const lastEventId = String(seen.at(-1)?.seq ?? 0);
      const rest = await readUntil(
        streamOf(id, '', hasty),
        (event) => event.id === String(TOO_MUCH),
        lastEventId,
      );
      assert.deepEqual(seqs([...seen, ...rest.map((event) => event.data)]), upTo(TOO_MUCH));
    });
  });

  describe('with a cursor that names nothing', () => {
    it('says reset and begins anew: from the future, unreadable, or of a deleted range', async () => {
      const { id, append } = await newSession(server);
      for (let n = 1; n <= 9; n++) await append(String(n));
      const isNinth = (event: SseEvent): boolean => event.id === '9';
      const ahead = {
        id: null,
        event: 'reset',
        data: { kind: 'reset', turn_id: null, data: { reason: 'cursor_ahead', first_seq: 1, last_seq: 9 } },
      };
      const [first, ...all] = await readUntil(streamOf(id), isNinth, '10');
      assert.deepEqual(first, ahead);
      assert.equal(all.length, 9);
      assert.deepEqual((await readUntil(streamOf(id, 'after=10'), isNinth))[0], ahead);
      const unreadable = await readUntil(streamOf(id), isNinth, 'x');
      assert.equal(unreadable[0]?.data.data.reason, 'cursor_unreadable');

      const { db } = server.context.database;
      await db.deleteFrom('events').where('session_id', '=', id).where('seq', '<', 5).execute();
      const [reset, ...kept] = await readUntil(streamOf(id), isNinth, '3');
      assert.deepEqual(reset?.data.data, { reason: 'events_deleted', first_seq: 5, last_seq: 9 });
      assert.deepEqual(seqs(kept.map((event) => event.data)), [5, 6, 7, 8, 9]);
      assert.equal((await readUntil(streamOf(id), isNinth, '4'))[0]?.id, '5', 'nothing is missing after 4');
    });

    it('takes the newest event as a cursor: nothing comes until something happens', async () => {
      const { id, append } = await newSession(server);
      await append('one');
      const reading = readUntil(streamOf(id), () => true, '1');
      await follows(1);
      await append('two');
      assert.equal((await reading)[0]?.id, '2');
    });
  });

  it('ends with an `end` when the session is deleted, on every node, and is not found afterwards', async () => {
    await using other = await startTestServer({ databaseUrl: server.config.databaseUrl ?? '' });
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const reading = [server, other].map(async (at) => await readUntil(streamOf(id, '', at), () => false));
    await follows(1);
    await follows(1, other);
    await server.request('DELETE', `/sessions/${id}`);
    for (const seen of await Promise.all(reading))
      assert.deepEqual(seen.at(-1), {
        id: null,
        event: 'end',
        data: { kind: 'end', turn_id: null, data: { reason: 'deleted' } },
      });
    const response = await fetch(streamOf(id), { headers: { accept: 'text/event-stream' } });
    assert.equal(response.status, 404);
    assert.match(await response.text(), /"not_found"/);
  });

  it('ends also when the signal of the deletion was lost', async () => {
    const { id } = await newSession(server);
    const reading = readUntil(streamOf(id), () => false);
    await follows(1);
    await server.context.database.db.deleteFrom('sessions').where('id', '=', id).execute();
    assert.equal((await reading).at(-1)?.event, 'end');
  });

  describe('with deltas', () => {
    type Piece = { message_id: string; index: number; block: string; offset: number; text: string };

    it('shows text, thinking and tool input while they are written: in order, complete, unstored, without an id', async () => {
      const prompt = '[demo:think] run: echo hi';
      const session = await server.execute({ prompt, allowed_tools: ['Bash'] });
      const seen = await readUntil(
        streamOf(session, 'deltas=true'),
        ({ id: seq, data }) => seq !== null && isTurnEnd(data),
      );
      const deltas = seen.filter((event) => event.event === 'delta');
      assert.ok(deltas.every((event) => event.id === null));
      const blocks = Map.groupBy(
        deltas.map((event): Piece => event.data.data),
        (piece) => `${piece.message_id} ${piece.index}`,
      );
      const kinds = new Set<string>();
      for (const [name, pieces] of blocks) {
        let written = '';
        for (const piece of pieces) {
          assert.equal(piece.offset, written.length, 'no piece is missing');
          written += piece.text;
        }
        const { block: kind } = pieces[0] ?? assert.fail('no piece');
        kinds.add(kind);
        const [messageId] = name.split(' ');
        const stored: Record<string, string>[] = seen.flatMap(({ id: seq, data }) =>
          seq !== null && data.data.type === 'assistant' && data.data.message.id === messageId
            ? data.data.message.content
            : [],
        );
        const whole = stored.map(({ text, thinking, input }) => text ?? thinking ?? JSON.stringify(input));
        const found = kind === 'tool_input' ? JSON.stringify(JSON.parse(written)) : written;
        assert.ok(whole.includes(found), `${kind} "${found}" among ${whole.join(' | ')}`);
      }
      assert.deepEqual([...kinds].sort(), ['text', 'thinking', 'tool_input']);
      const firstOf = (match: (event: SseEvent) => boolean): number => seen.findIndex(match);
      assert.ok(
        firstOf((event) => event.event === 'delta') <
          firstOf((event) => event.id !== null && event.data.data.type === 'assistant'),
        'the pieces come before the message',
      );
      assert.deepEqual(
        seen.flatMap(({ id: seq, data }) => (seq === null ? [] : [data])),
        (await table(session)).slice(0, seen.length - deltas.length),
      );
    });

    it('come a few times a second, not token by token, and only to those who asked', async () => {
      const id = await server.execute({ prompt: '[demo:slow 40] count from 1 to 60' });
      const [withDeltas, without] = await Promise.all([
        readUntil(streamOf(id, 'deltas=true'), ({ id: seq, data }) => seq !== null && isTurnEnd(data)),
        readUntil(streamOf(id), ({ data }) => isTurnEnd(data)),
      ]);
      const deltas = withDeltas.filter((event) => event.event === 'delta');
      assert.ok(deltas.length >= 5 && deltas.length <= 30, `${deltas.length} deltas`);
      assert.deepEqual(
        withDeltas.filter((event) => event.event !== 'delta'),
        without,
      );
    });
  });

  it('closes its streams in good order with the server; they go on at another node of the database', async () => {
    await using database = await createDatabase();
    await using second = await startTestServer({ databaseUrl: database.url });
    let id: string;
    let seen: SseEvent[];
    {
      await using first = await startTestServer({ databaseUrl: database.url });
      id = await first.execute({ prompt: 'My name is Ada.' });
      await first.ended(id);
      const url = streamOf(id, '', first);
      const reading = readUntil(url, () => false);
      await follows(1, first);
      await first[Symbol.asyncDispose]();
      seen = await reading;
    }
    assert.ok(seen.every((event) => event.event !== 'end'));
    await second.execute({ prompt: 'What is my name?', resume_session_id: id });
    const isSecondEnd = ({ data }: SseEvent): boolean => isTurnEnd(data) && data.data.turn === 2;
    const rest = await readUntil(streamOf(id, '', second), isSecondEnd, seen.at(-1)?.id ?? '');
    const all = [...seen, ...rest].map((event) => event.data);
    assert.deepEqual(all, (await readTable(second.context.database.db, id)).slice(0, all.length));
  });

  it('goes on after kill -9 and a restart, with none lost and none twice', async () => {
    await using directory = await temporaryDirectory();
    const first = await startServerProcess({ dataDir: directory.path });
    const prompt = Array.from({ length: 30 }, (_, n) => `run: echo ${n}`).join(' then ');
    const id = await first.execute({ prompt, allowed_tools: ['Bash'] });
    const seen: EventView[] = [];
    await assert.rejects(async () => {
      for await (const { data } of readStream(`${first.url}/sessions/${id}/events`)) {
        seen.push(data);
        if (seen.length === 15) first.kill('SIGKILL');
      }
      // Without chunks a connection that breaks may look like one that ended.
      throw new Error('the stream ended');
    });
    await first.exited;
    await using second = await startServerProcess({ dataDir: directory.path });
    const rest = await readUntil(
      `${second.url}/sessions/${id}/events`,
      ({ data }) => isTurnEnd(data),
      String(seen.at(-1)?.seq),
    );
    const all = [...seen, ...rest.map((event) => event.data)];
    assert.deepEqual(seqs(all), upTo(all.length));
    const page = await second.request('GET', `/sessions/${id}/events?limit=1000`);
    assert.deepEqual(all, page.body.events.slice(0, all.length));
    assert.equal(all.at(-1)?.kind === 'turn' && all.at(-1)?.data.state, 'completed');
    // Nor did a tool of it run twice.
    const calls = all.flatMap(({ data }) => JSON.stringify(data).match(/"command":"echo \d+"/g) ?? []);
    assert.equal(new Set(calls).size, 30);
  });
});
