import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UsageTap } from './usage-tap.ts';

const stream = Buffer.from(
  [
    {
      type: 'message_start',
      message: {
        model: 'claude-haiku-4-5',
        usage: {
          ...{ input_tokens: 3, output_tokens: 1, cache_read_input_tokens: 5 },
          ...{ cache_creation_input_tokens: 11, cache_creation: { ephemeral_1h_input_tokens: 4 } },
        },
      },
    },
    { type: 'ping' },
    {
      type: 'content_block_delta',
      index: 0,
      delta: { type: 'text_delta', text: 'Grüße "usage" message_delta 🙂' },
    },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'x' } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 42 } },
    { type: 'message_stop' },
  ]
    .map((event) => `event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`)
    .join(''),
);

const all = { input: 3, output: 42, cacheRead: 5, cacheWrite5m: 7, cacheWrite1h: 4, webSearches: 0 };

describe('the usage of a stream', () => {
  it('is the same wherever the network cuts it into pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 20 }), (cuts) => {
        const tap = new UsageTap('text/event-stream; charset=utf-8');
        const places = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const known = places.slice(1).map((to, index) => tap.observe(stream.subarray(places[index], to)));
        assert.deepEqual(tap.end(), { model: 'claude-haiku-4-5', tokens: all, isComplete: true });
        assert.equal(known.at(-1), true);
      }),
    );
  });

  it('is what was seen of it when it ends early, and never more than all', () => {
    for (let length = 0; length <= stream.length; length++) {
      const tap = new UsageTap('text/event-stream');
      tap.observe(stream.subarray(0, length));
      const { model, tokens, isComplete } = tap.end();
      if (model === null) assert.deepEqual([tokens.input, isComplete], [0, false]);
      else assert.equal(tokens.input, 3);
      assert.equal(isComplete, tokens.output === 42);
    }
  });

  it('is nothing where the answer is no message', () => {
    for (const [type, text] of [
      ['application/json', '{"type":"error"}'],
      ['application/json', '{"model":"m","usage":{"input_tokens":-5}}'],
      ['text/plain', 'hello'],
      ['text/event-stream', 'data: [DONE]\n\n'],
      [undefined, ''],
    ]) {
      const tap = new UsageTap(type);
      tap.observe(Buffer.from(text ?? ''));
      assert.equal(tap.end().isComplete, false, text);
    }
  });
});
