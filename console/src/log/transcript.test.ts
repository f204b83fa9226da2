import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeltaEvent, SessionEvent } from '@greenroom/client';
import fc from 'fast-check';
import type { TranscriptItem } from './item.ts';
import { MAIN } from './item-lists.ts';
import { logArbitrary, piecesOf } from './log-arbitrary.ts';
import { Transcript } from './transcript.ts';

type Row = Omit<TranscriptItem, 'key'>;

/** All lists with their items in order; what a row is called does not matter. */
function rowsOf({ lists }: Transcript): Record<string, Row[]> {
  const names = lists.names().filter((name) => lists.order(name).length > 0);
  return Object.fromEntries(
    names.toSorted().map((name) => [
      name,
      lists.order(name).map((key) => {
        const { key: _, ...row } = lists.get(key) as TranscriptItem;
        return row;
      }),
    ]),
  );
}

function readWhole(events: readonly SessionEvent[]): Transcript {
  const transcript = new Transcript();
  for (const event of events) transcript.append(event);
  return transcript;
}

function main(transcript: Transcript): TranscriptItem[] {
  return transcript.lists.order(MAIN).map((key) => transcript.lists.get(key) as TranscriptItem);
}

const said = (seq: number, block: object, more: object = {}): SessionEvent =>
  ({
    seq,
    kind: 'sdk',
    turn_id: 't1',
    at: new Date(seq * 1_000).toISOString(),
    data: {
      type: 'assistant',
      uuid: `u${seq}`,
      parent_tool_use_id: null,
      message: { id: 'm1', content: [block] },
      ...more,
    },
  }) as unknown as SessionEvent;

const piece = (text: string, offset: number, more: Partial<DeltaEvent['data']> = {}): DeltaEvent => ({
  kind: 'delta',
  turn_id: 't1',
  data: {
    message_id: 'm1',
    parent_tool_use_id: null,
    index: 0,
    block: 'text',
    offset,
    text,
    tool: null,
    ...more,
  },
});

const endOf = (seq: number, state: string): SessionEvent => {
  const data = { turn: 1, phase: 'ended', state, error: null, cost_usd: null };
  const at = new Date(seq * 1_000).toISOString();
  return { seq, kind: 'turn', turn_id: 't1', at, data } as unknown as SessionEvent;
};

describe('a transcript', () => {
  test('is the same however its log was cut into pages and news, written live or not', () => {
    const cuts = fc.record({
      live: fc.nat(),
      pages: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }),
      isWritten: fc.boolean(),
    });
    fc.assert(
      fc.property(logArbitrary, cuts, (events, { live, pages, isWritten }) => {
        const whole = readWhole(events);
        const firstLive = Math.min(events.length, live % (events.length + 1));
        const transcript = new Transcript();
        let first = Math.max(0, firstLive - (pages[0] ?? 10));
        for (const event of events.slice(first, firstLive)) transcript.append(event);
        for (const event of events.slice(firstLive)) {
          if (isWritten) for (const delta of piecesOf(event)) transcript.write(delta, 0);
          transcript.append(event);
        }
        for (const size of [...pages.slice(1), events.length]) {
          if (first === 0) break;
          const from = Math.max(0, first - size);
          transcript.prepend(events.slice(from, first));
          first = from;
        }
        assert.deepEqual(rowsOf(transcript), rowsOf(whole));
        assert.deepEqual(transcript.agents.ids(), whole.agents.ids());
      }),
      { numRuns: 400 },
    );
  });

  test('tells of few rows when one event comes', () => {
    fc.assert(
      fc.property(logArbitrary, (events) => {
        const transcript = new Transcript();
        for (const event of events) {
          transcript.append(event);
          const { items } = transcript.lists.takeChanges();
          const isEnd = event.kind === 'turn' && ['ended', 'continued'].includes(event.data.phase);
          if (!isEnd) assert(items.size <= 2, `${items.size} rows changed by event ${event.seq}`);
        }
      }),
    );
  });

  test('keeps the objects of rows that an older page does not change', () => {
    const events = [1, 2, 3].map((seq) => said(seq, { type: 'text', text: `part ${seq}` }));
    const transcript = readWhole(events.slice(1));
    const before = main(transcript);
    transcript.lists.takeChanges();
    transcript.prepend(events.slice(0, 1));
    assert.deepEqual(main(transcript).slice(1), before);
    main(transcript)
      .slice(1)
      .forEach((item, index) => {
        assert.equal(item, before[index]);
      });
    assert.equal(transcript.lists.takeChanges().items.size, 1);
  });

  test('shows a message while it is written, under the name that it keeps', () => {
    const transcript = new Transcript();
    transcript.write(piece('Hel', 0), 5);
    transcript.write(piece('lo', 3), 6);
    const [writing] = main(transcript);
    assert.deepEqual(writing?.kind === 'text' && [writing.text, writing.isStreaming, writing.seq], [
      'Hello',
      true,
      null,
    ]);
    transcript.append(said(1, { type: 'text', text: 'Hello' }));
    const [stored, ...others] = main(transcript);
    assert.equal(stored?.key, writing?.key);
    assert.deepEqual([stored?.seq, others.length], [1, 0]);
  });

  test('shows what there is when pieces were lost, and each piece once', () => {
    const transcript = new Transcript();
    transcript.write(piece('world', 100), 0);
    transcript.write(piece('world!', 100), 0);
    transcript.write(piece('world!', 100), 0);
    const [item] = main(transcript);
    assert.equal(item?.kind === 'text' && item.text, '…world!');
  });

  test('drops the pieces of a message that was broken off when another begins, or its turn ends', () => {
    const transcript = new Transcript();
    transcript.write(piece('lost', 0), 0);
    transcript.write(piece('next', 0, { message_id: 'm2' }), 0);
    assert.deepEqual(
      main(transcript).map((item) => item.kind === 'text' && item.text),
      ['next'],
    );
    transcript.append(endOf(1, 'completed'));
    assert.deepEqual(
      main(transcript).map((item) => item.kind),
      ['turn_end'],
    );
    transcript.write(piece('too late', 0, { message_id: 'm3' }), 0);
    assert.equal(main(transcript).length, 1);
  });

  test('keeps the words of an interrupted turn until its agent has said them, before the end of the turn', () => {
    const transcript = new Transcript();
    transcript.write(piece('half a sen', 0), 0);
    const [writing] = main(transcript);
    transcript.append(endOf(1, 'cancelled'));
    assert(transcript.hasBrokenDrafts);
    transcript.append(said(2, { type: 'text', text: 'half a sentence' }, { aborted: true }));
    transcript.dropBrokenDrafts();
    assert.deepEqual(
      main(transcript).map((item) => (item.kind === 'text' ? item.text : item.kind)),
      ['half a sentence', 'turn_end'],
    );
    assert.equal(main(transcript)[0]?.key, writing?.key);
    assert.deepEqual(rowsOf(transcript), rowsOf(readWhole(transcript.events)));
    const killed = new Transcript();
    killed.write(piece('half a sen', 0), 0);
    killed.append(endOf(1, 'cancelled'));
    killed.dropBrokenDrafts();
    assert.deepEqual(
      main(killed).map((item) => item.kind),
      ['turn_end'],
    );
  });

  test('shows a message that waits where its turn begins, as it was edited; one that was taken back says so', () => {
    const turn = (seq: number, id: string, data: object): SessionEvent => {
      const kind = 'phase' in data ? 'turn' : 'prompt';
      const at = new Date(seq).toISOString();
      const common = { turn: 1, state: 'queued', error: null, cost_usd: null, steered_into: null };
      return { seq, kind, turn_id: id, at, data: { ...common, ...data } } as unknown as SessionEvent;
    };
    const say = (text: string) => ({ text, delivery: 'queue', images: 0 });
    const transcript = readWhole([
      turn(1, 'a', say('first')),
      turn(2, 'a', { phase: 'started' }),
      turn(3, 'b', say('second')),
      turn(4, 'c', say('third')),
      turn(5, 'b', { phase: 'edited', text: 'second, better' }),
      turn(6, 'b', { phase: 'moved', delivery: 'steer', before: null }),
      turn(7, 'c', { phase: 'ended', state: 'cancelled' }),
      turn(8, 'a', { phase: 'ended', state: 'completed' }),
      turn(9, 'b', { phase: 'started' }),
    ]);
    const shown = main(transcript).map((item) =>
      item.kind === 'prompt' ? `${item.text} ${item.state} ${item.delivery}` : item.kind,
    );
    assert.deepEqual(shown, [
      'first started queue',
      'third taken_back queue',
      'turn_end',
      'second, better started steer',
    ]);
    const returned = readWhole([
      turn(1, 'a', say('first')),
      turn(2, 'a', { phase: 'started' }),
      turn(3, 'b', say('hint')),
      turn(4, 'b', { phase: 'steered', state: 'completed', steered_into: 'a' }),
      turn(5, 'b', { phase: 'returned' }),
    ]);
    const states = (of: Transcript): unknown[] =>
      main(of).flatMap((item) => (item.kind === 'prompt' ? [item.state] : []));
    assert.deepEqual(states(returned), ['started', 'queued'], 'its agent never read it');
    returned.append(turn(6, 'a', { phase: 'ended', state: 'cancelled' }));
    returned.append(turn(7, 'b', { phase: 'started' }));
    assert.deepEqual(states(returned), ['started', 'started']);
  });

  test('gives a call the result that came on another page, and says which calls never had one', () => {
    const call = said(1, { type: 'tool_use', id: 'c1', name: 'Bash', input: { command: 'ls' } });
    const other = said(2, { type: 'tool_use', id: 'c2', name: 'Bash', input: {} });
    const result = said(
      3,
      { type: 'tool_result', tool_use_id: 'c1', content: 'a\nb', is_error: false },
      { type: 'user', tool_use_result: { stdout: 'a\nb' } },
    );
    const at = new Date(9_000).toISOString();
    const data = { turn: 1, phase: 'ended', state: 'completed', error: null, cost_usd: 1 };
    const end = { seq: 4, kind: 'turn', turn_id: 't1', at, data } as unknown as SessionEvent;
    const transcript = readWhole([result, end]);
    assert.deepEqual(
      main(transcript).map((item) => item.kind),
      ['turn_end'],
    );
    transcript.prepend([call, other]);
    const calls = main(transcript).flatMap((item) => (item.kind === 'tool' ? [item.call] : []));
    assert.deepEqual(
      calls.map(({ state, output, startedAt, endedAt }) => [state, output, startedAt, endedAt]),
      [
        ['done', 'a\nb', 1_000, 3_000],
        ['unknown', null, 2_000, 9_000],
      ],
    );
  });

  test('survives messages of any shape', () => {
    const anything = fc.array(fc.object({ key: fc.constantFrom('type', 'message', 'uuid', 'content', 'x') }));
    const types = ['assistant', 'user', 'system', 'result', 'rate_limit_event', 'new_kind'];
    fc.assert(
      fc.property(anything, fc.constantFrom(...types), fc.anything(), (datas, type, message) => {
        const transcript = new Transcript();
        datas.forEach((data, index) => {
          const at = new Date(0).toISOString();
          const event = { seq: index + 1, kind: 'sdk', turn_id: null, at, data: { message, ...data, type } };
          transcript.append(event as unknown as SessionEvent);
        });
        transcript.append({
          seq: 99,
          kind: 'later',
          turn_id: null,
          at: '',
          data: {},
        } as unknown as SessionEvent);
        main(transcript);
      }),
    );
  });
});
