import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Slots } from '../ground/util/slots.ts';
import type { Signal } from '../session/event/bus.ts';
import type { EventKind, StoredEvent } from '../session/event/event.ts';
import type { EventQuery } from '../session/event/store.ts';
import { type ChannelSource, SessionChannel } from './channel.ts';
import { sessionFormat } from './frames.ts';
import { Subscription } from './subscription.ts';

const KEY = { tenantId: 'default', id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f' };

/** Lets everything go on that can. */
const turn = async (): Promise<void> => await new Promise((resolve) => setImmediate(resolve));

const eventAt = (seq: number): StoredEvent => ({
  sessionId: KEY.id,
  seq,
  turnId: null,
  at: new Date(seq),
  kind: 'sdk',
  data: { type: 'test' },
});

/** A log whose pages come when the test lets them, as they were when they were asked for. */
class Log {
  length = 0;
  isEmpty = false;
  reads = 0;
  #waiting: (() => void)[] = [];
  mustWait = false;

  readonly source: ChannelSource = {
    findPage: async ({ after, limit, kinds }: EventQuery) => {
      this.reads++;
      const length = kinds === null || kinds.includes('sdk') ? this.length : 0;
      if (this.mustWait) await new Promise<void>((resolve) => this.#waiting.push(resolve));
      const seqs = Array.from({ length }, (_, index) => index + 1).filter((seq) => seq > after);
      const items = seqs
        .slice(0, limit)
        .map((seq) => ({ seq, kind: 'sdk' as const, json: `{"seq":${seq}}` }));
      return { items, isLast: seqs.length < limit };
    },
    onError: (error) => {
      throw error;
    },
    onEmpty: () => {
      this.isEmpty = true;
    },
  };
  readonly channel = new SessionChannel(KEY, this.source);

  /** Stores some events and tells the channel: of each with what it holds, of the last one only, or nothing. */
  append(count: number, told: 'whole' | 'pointer' | 'lost'): void {
    for (let n = 0; n < count; n++) {
      this.length++;
      const events = told === 'whole' ? [eventAt(this.length)] : [];
      if (told !== 'lost') this.channel.notice({ seq: this.length, events } as Signal & { type: 'events' });
    }
  }

  /** What the slow look at the tables does. */
  sweep(): void {
    this.channel.notice({ seq: this.length, events: [] });
  }

  release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A client with as much room as the test gives it. */
class Client {
  text = '';
  hasRoom = true;
  ended = false;
  #waiting: ((isDrained: boolean) => void)[] = [];
  readonly subscription: Subscription;

  constructor(channel: SessionChannel, after = 0, kinds: EventKind[] | null = null, deltas = true) {
    this.subscription = new Subscription({
      channel,
      after,
      kinds,
      deltas,
      holds: new Slots(1),
      connection: this,
      format: sessionFormat({ kinds, deltas }),
      onEnd: () => {
        this.ended = true;
      },
      onError: (error) => {
        throw error;
      },
    });
  }

  write(bytes: Buffer): boolean {
    if (this.hasRoom) this.text += bytes.toString();
    return this.hasRoom;
  }

  async drained(withinMs?: number): Promise<boolean> {
    if (this.hasRoom) return true;
    if (withinMs !== undefined) return false;
    return await new Promise((resolve) => this.#waiting.push(resolve));
  }

  drain(): void {
    this.hasRoom = true;
    for (const resolve of this.#waiting.splice(0)) resolve(true);
  }

  get seqs(): number[] {
    return [...this.text.matchAll(/^id: (\d+)$/gm)].map(([, seq]) => Number(seq));
  }
}

const upTo = (last: number, from = 1): number[] =>
  Array.from({ length: last - from + 1 }, (_, index) => from + index);

describe('the cut-over from stored to live', () => {
  it('takes what is signalled before, while and after the last page is read', async () => {
    for (const told of ['whole', 'pointer'] as const) {
      const log = new Log();
      log.append(3, told);
      log.mustWait = true;
      const client = new Client(log.channel);
      await turn();
      log.append(2, told);
      log.mustWait = false;
      log.release();
      log.append(2, told);
      for (let n = 0; n < 5; n++) await turn();
      assert.deepEqual(client.seqs, upTo(7), told);
      log.append(2, told);
      for (let n = 0; n < 5; n++) await turn();
      assert.deepEqual(client.seqs, upTo(9), told);
    }
  });

  it('gives a newcomer its own place while the others are ahead of the table that it read', async () => {
    const log = new Log();
    log.append(5, 'whole');
    const first = new Client(log.channel);
    for (let n = 0; n < 5; n++) await turn();
    log.mustWait = true;
    const second = new Client(log.channel, 2);
    await turn();
    log.append(4, 'whole');
    await turn();
    assert.deepEqual(first.seqs, upTo(9));
    log.mustWait = false;
    log.release();
    for (let n = 0; n < 5; n++) await turn();
    assert.deepEqual(second.seqs, upTo(9, 3));
  });

  it('reads a page once for all who ask for it at the same time, and nothing for those who are live', async () => {
    const log = new Log();
    log.append(5, 'whole');
    const clients = Array.from({ length: 50 }, () => new Client(log.channel));
    for (let n = 0; n < 5; n++) await turn();
    assert.equal(log.reads, 1);
    log.append(5, 'whole');
    await turn();
    assert.equal(log.reads, 1);
    for (const client of clients) assert.deepEqual(client.seqs, upTo(10));
  });

  it('lets somebody join who wants only kinds that do not come', async () => {
    const log = new Log();
    log.append(5, 'whole');
    const all = new Client(log.channel);
    const none = new Client(log.channel, 0, ['turn']);
    for (let n = 0; n < 8; n++) await turn();
    log.append(1, 'whole');
    for (let n = 0; n < 8; n++) await turn();
    assert.equal(log.channel.liveCount, 2);
    assert.deepEqual([all.seqs, none.seqs], [upTo(6), []]);
    assert.equal(none.subscription.position, 6);
  });

  it('finds a lost signal with the next one, or with the sweep', async () => {
    const log = new Log();
    const client = new Client(log.channel);
    for (let n = 0; n < 5; n++) await turn();
    log.append(2, 'lost');
    log.append(1, 'whole');
    for (let n = 0; n < 5; n++) await turn();
    assert.deepEqual(client.seqs, upTo(3));
    log.append(2, 'lost');
    log.sweep();
    for (let n = 0; n < 5; n++) await turn();
    assert.deepEqual(client.seqs, upTo(5));
  });

  it('is right in every order of arrival that a seed finds', async () => {
    for (let seed = 1; seed <= 300; seed++) {
      let state = seed * 2_654_435_761;
      const random = (below: number): number => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return Math.floor((state / 2 ** 32) * below);
      };
      const log = new Log();
      const clients: { client: Client; after: number }[] = [];
      for (let step = 0; step < 60; step++) {
        const { client } = clients[random(clients.length)] ?? {};
        switch (random(8)) {
          case 0:
            log.append(1 + random(40), 'whole');
            break;
          case 1:
            log.append(1 + random(3), (['pointer', 'lost'] as const)[random(2)] ?? 'lost');
            break;
          case 2: {
            const after = random(log.length + 1);
            clients.push({ client: new Client(log.channel, after), after });
            break;
          }
          case 3:
            if (client !== undefined) client.hasRoom = false;
            break;
          case 4:
            client?.drain();
            break;
          case 5:
            log.mustWait = random(2) === 0;
            if (random(2) === 0) log.release();
            break;
          case 6: {
            const [gone] = clients.splice(random(clients.length), 1);
            gone?.client.subscription.stop();
            const { seqs } = gone?.client ?? { seqs: [] };
            assert.deepEqual(seqs, upTo((gone?.after ?? 0) + seqs.length, (gone?.after ?? 0) + 1));
            break;
          }
          default:
            await turn();
        }
      }
      log.mustWait = false;
      for (let n = 0; n < 40; n++) {
        log.release();
        log.sweep();
        for (const { client } of clients) client.drain();
        await turn();
      }
      for (const { client, after } of clients)
        assert.deepEqual(client.seqs, upTo(log.length, after + 1), `seed ${seed}`);
      for (const { client } of clients) client.subscription.stop();
      assert.equal(log.channel.followerCount, 0);
    }
  });

  it('ends everybody once, also those who lag', async () => {
    const log = new Log();
    log.append(3, 'whole');
    const [live, lagging] = [new Client(log.channel), new Client(log.channel)];
    for (let n = 0; n < 5; n++) await turn();
    lagging.hasRoom = false;
    log.append(1, 'whole');
    await turn();
    log.append(1, 'whole');
    log.channel.end();
    assert.ok(live.ended && lagging.ended);
    assert.deepEqual(live.seqs, upTo(5), 'what came before the end is sent before it');
    assert.ok(log.isEmpty);
  });
});

describe('deltas in a channel', () => {
  const delta = (text: string) => ({
    type: 'delta' as const,
    sessionId: KEY.id,
    turnId: null,
    messageId: 'm',
    parentToolUseId: null,
    index: 0,
    block: 'text' as const,
    offset: 0,
    text,
    tool: null,
  });

  it('go out together within 25 ms, before a stored event that came after them, and not to who did not ask', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const log = new Log();
    const client = new Client(log.channel);
    const other = new Client(log.channel, 0, null, false);
    for (let n = 0; n < 5; n++) await turn();
    log.channel.noticeDelta(delta('a'));
    log.channel.noticeDelta(delta('b'));
    assert.equal(client.text, '');
    t.mock.timers.tick(25);
    assert.equal(client.text.match(/^event: delta$/gm)?.length, 2);
    log.channel.noticeDelta(delta('c'));
    log.append(1, 'whole');
    await turn();
    assert.match(client.text, /"text":"c"[\s\S]*id: 1\n/);
    assert.deepEqual(other.seqs, [1]);
    assert.doesNotMatch(other.text, /delta/);
  });

  it('are dropped while a client lags', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const log = new Log();
    const client = new Client(log.channel);
    for (let n = 0; n < 5; n++) await turn();
    client.hasRoom = false;
    log.channel.noticeDelta(delta('lost'));
    t.mock.timers.tick(25);
    client.drain();
    for (let n = 0; n < 5; n++) await turn();
    log.append(1, 'whole');
    await turn();
    assert.deepEqual(client.seqs, [1]);
    assert.doesNotMatch(client.text, /lost/);
  });
});
