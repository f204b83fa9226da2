import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MAX_PAYLOAD_BYTES } from '../../ground/db/notifications.ts';
import { pack, type Signal } from './bus.ts';

const SESSION = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';

function eventsSignal(seq: number, text: string): Signal & { type: 'events' } {
  const at = new Date('2026-01-01T00:00:00Z');
  const data = { turn: 1, text, delivery: 'queue' as const, images: 0 };
  const event = { sessionId: SESSION, seq, turnId: null, kind: 'prompt' as const, data, at };
  return { type: 'events', sessionId: SESSION, seq, events: [event] };
}

// biome-ignore lint/suspicious/noExplicitAny: payloads are looked into freely
const unpack = (payloads: readonly string[]): any[] => payloads.flatMap((payload) => JSON.parse(payload));

describe('signals packed for NOTIFY', () => {
  it('fit what PostgreSQL takes, whatever their sizes, none lost and in order', () => {
    for (const character of ['x', 'é', '€', '\n', '\u0000', '😀', '\ud800']) {
      const signals = Array.from({ length: 120 }, (_, index) =>
        eventsSignal(index + 1, character.repeat((index * 67) % 4_000)),
      );
      const payloads = pack(signals);
      assert.ok(payloads.length < 120, 'small ones share a payload');
      for (const payload of payloads) assert.ok(Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES);
      assert.deepEqual(
        unpack(payloads).map((signal) => signal.seq),
        signals.map((signal) => signal.seq),
      );
    }
  });

  it('carry an event up to the last byte that fits, and only a pointer from there on', () => {
    const [alone = ''] = pack([eventsSignal(1, '')]);
    const room = MAX_PAYLOAD_BYTES - Buffer.byteLength(alone);
    const [largest = ''] = pack([eventsSignal(1, 'x'.repeat(room))]);
    assert.equal(Buffer.byteLength(largest), MAX_PAYLOAD_BYTES);
    assert.equal(unpack([largest])[0].events.length, 1);
    const pointer = unpack(pack([eventsSignal(1, 'x'.repeat(room + 1))]));
    assert.deepEqual(pointer, [{ type: 'events', sessionId: SESSION, seq: 1, events: [] }]);
  });

  it('keep their order around one that is too large', () => {
    const signals: Signal[] = [
      { type: 'input', sessionId: SESSION },
      eventsSignal(1, 'x'.repeat(20_000)),
      eventsSignal(2, 'small'),
      { type: 'work' },
    ];
    const types = unpack(pack(signals)).map((signal) => [signal.type, signal.events?.length]);
    assert.deepEqual(types, [
      ['input', undefined],
      ['events', 0],
      ['events', 1],
      ['work', undefined],
    ]);
  });

  it('leave what an agent said as it is, even where it looks like an event', () => {
    const data = { type: 'user', tool_use_result: { sessionId: 'theirs', turnId: '1', kind: 'x' } };
    const { events, ...signal } = eventsSignal(1, '');
    const [event = assert.fail()] = events;
    const [sent] = unpack(pack([{ ...signal, events: [{ ...event, kind: 'sdk', data }] }]));
    assert.deepEqual(sent.events[0].data, data);
  });

  it('are none at all when there is nothing to say', () => {
    assert.deepEqual(pack([]), []);
  });
});
