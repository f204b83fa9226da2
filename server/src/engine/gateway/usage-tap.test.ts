import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { type SeenUsage, UsageTap } from './usage-tap.ts';

const written = 'Grüße "usage" message_delta 🙂';
const events = [
  {
    type: 'message_start',
    message: {
      model: 'claude-haiku-4-5',
      usage: {
        input_tokens: 3,
        output_tokens: 1,
        cache_read_input_tokens: 5,
        cache_creation_input_tokens: 11,
        cache_creation: { ephemeral_1h_input_tokens: 4 },
      },
    },
  },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: written } },
  { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'x' } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 42 } },
  { type: 'message_stop' },
];

/** How the standard lets a stream be written. */
const forms: Record<string, (type: string, json: string) => string> = {
  'CR LF': (type, json) => `event: ${type}\r\ndata: ${json}\r\n\r\n`,
  LF: (type, json) => `event: ${type}\ndata: ${json}\n\n`,
  'CR alone': (type, json) => `event: ${type}\rdata: ${json}\r\r`,
  'data alone, without a space': (_type, json) => `data:${json}\n\n`,
  'data over several lines': (type, json) => `event: ${type}\ndata: ${json.replaceAll(',', ',\ndata: ')}\n\n`,
  'comments and other fields': (_type, json) => `: hello\nid: 7\nretry: 10\nother\ndata: ${json}\n\n`,
};

function streamOf(
  form = forms['CR LF'] ?? assert.fail(),
  said: readonly { type: string }[] = events,
): Buffer {
  return Buffer.from(said.map((event) => form(event.type, JSON.stringify(event))).join(''));
}

const all = { input: 3, output: 42, cacheRead: 5, cacheWrite5m: 7, cacheWrite1h: 4, webSearches: 0 };

type Form = { contentType?: string; contentEncoding?: string; isStreamAsked?: boolean };

/** What is seen of a body that comes in these pieces. */
async function see(pieces: readonly Buffer[], form: Form = {}): Promise<SeenUsage> {
  const { contentType = 'text/event-stream', contentEncoding = '', isStreamAsked = true } = form;
  const tap = new UsageTap({ contentType, contentEncoding, isStreamAsked }, () => {});
  for (const piece of pieces) tap.observe(piece);
  return await tap.end();
}

function cut(body: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), body.length];
  return places.slice(1).map((to, index) => body.subarray(places[index], to));
}

describe('the usage of a stream', () => {
  for (const [name, form] of Object.entries(forms)) {
    it(`is the same wherever the network cuts it into pieces: ${name}`, async () => {
      const body = Buffer.concat([Buffer.from('\ufeff'), streamOf(form)]);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(body.length), { maxLength: 20 }), async (cuts) => {
          const seen = await see(cut(body, cuts));
          assert.deepEqual([seen.model, seen.tokens], ['claude-haiku-4-5', all]);
          assert.deepEqual([seen.isOutputSaid, seen.isStopped], [true, true]);
          assert.equal(seen.writtenBytes, Buffer.byteLength(written));
        }),
      );
    });
  }

  it('is told once, with its last event, and not before', () => {
    let count = 0;
    const form = { contentType: 'text/event-stream', contentEncoding: '', isStreamAsked: true };
    const tap = new UsageTap(form, () => count++);
    const body = streamOf();
    const beforeStop = body.length - streamOf(undefined, [{ type: 'message_stop' }]).length;
    tap.observe(body.subarray(0, beforeStop));
    assert.equal(count, 0);
    tap.observe(body.subarray(beforeStop));
    tap.observe(body.subarray(beforeStop));
    assert.equal(count, 1);
  });

  it('is what was seen of it when it ends early, and never more than all', async () => {
    const body = streamOf();
    for (let length = 0; length <= body.length; length++) {
      const { model, tokens, isOutputSaid, isBegun } = await see([body.subarray(0, length)]);
      assert.equal(model !== null, isBegun);
      assert.equal(tokens.input, isBegun ? 3 : 0);
      assert.equal(isOutputSaid, tokens.output === 42);
    }
  });

  it('is read whatever its headers call it, where a stream was asked for', async () => {
    for (const contentType of ['Text/Event-Stream; charset=utf-8', ' text/event-stream ', 'text/plain', '']) {
      assert.deepEqual((await see([streamOf()], { contentType })).tokens, all, contentType);
    }
    const unasked = await see([streamOf()], { contentType: 'TEXT/EVENT-STREAM', isStreamAsked: false });
    assert.deepEqual(unasked.tokens, all);
  });

  it('is read where it is compressed, also as far as it was cut off', async () => {
    const ways = {
      gzip: gzipSync,
      'X-GZIP': gzipSync,
      deflate: deflateSync,
      br: brotliCompressSync,
      zstd: zstdCompressSync,
    };
    const body = streamOf();
    for (const [contentEncoding, compress] of Object.entries(ways)) {
      const bytes = compress(body);
      const seen = await see(cut(bytes, [1, 7, 100]), { contentEncoding });
      assert.deepEqual([seen.tokens, seen.isReadable, seen.isStopped], [all, true, true], contentEncoding);
      assert.equal(seen.bodyBytes, bytes.length);
      const early = await see([bytes.subarray(0, -1)], { contentEncoding });
      assert.equal(early.isReadable, true, contentEncoding);
    }
  });

  it('cannot be read where its encoding is not known, or is not what it says', async () => {
    for (const contentEncoding of ['compress', 'gzip, br', 'gzip']) {
      const { isReadable, isOutputSaid } = await see([streamOf()], { contentEncoding });
      assert.deepEqual([isReadable, isOutputSaid], [false, false], contentEncoding);
    }
  });

  it('is the last of several totals, which never fall below one that was said before', async () => {
    const delta = (usage: object) => ({ type: 'message_delta', usage });
    const tokensOf = async (...said: { type: string }[]) =>
      (await see([streamOf(undefined, [...events.slice(0, 4), ...said])])).tokens;
    assert.deepEqual(await tokensOf(delta({ output_tokens: 1 }), delta({ output_tokens: 100_000 })), {
      ...all,
      output: 100_000,
    });
    assert.equal((await tokensOf(delta({ output_tokens: 9 }), delta({ output_tokens: 1 }))).output, 9);
    const corrected = delta({ input_tokens: 8, cache_read_input_tokens: 0, output_tokens: 42 });
    assert.deepEqual(await tokensOf(corrected), { ...all, input: 8 });
  });

  it('is not said by 0 for what was written, nor by what a stream begins with', async () => {
    const isSaid = async (...said: { type: string }[]) =>
      (await see([streamOf(undefined, said)])).isOutputSaid;
    const start = {
      type: 'message_start',
      message: { model: 'm', usage: { input_tokens: 0, output_tokens: 0 } },
    };
    const text = { type: 'content_block_delta', delta: { type: 'text_delta', text: 'x' } };
    const none = { type: 'message_delta', usage: { output_tokens: 0 } };
    assert.equal(await isSaid(start, text, none), false);
    assert.equal(await isSaid(start, text, { type: 'message_delta' }), false);
    assert.equal(await isSaid(start, none), true, 'where nothing was written');
  });

  it('counts thinking that is not shown and the input of tools as written, and results of tools not', async () => {
    const start = (content_block: object) => ({ type: 'content_block_start', content_block });
    const seen = await see([
      streamOf(undefined, [
        start({ type: 'redacted_thinking', data: 'x'.repeat(400) }),
        start({ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} }),
        {
          type: 'content_block_delta',
          delta: { type: 'input_json_delta', partial_json: '{"command":"ls"}' },
        } as never,
        start({ type: 'tool_use', input: { a: 1 } }),
        start({
          type: 'web_search_tool_result',
          content: [{ encrypted_content: 'x'.repeat(9000) }],
          text: 'x',
        }),
      ]),
    ]);
    assert.equal(seen.writtenBytes, 400 + '{"command":"ls"}'.length + '{"a":1}'.length);
  });

  it('knows how long a stream wrote nothing that can be seen', () => {
    let now = 0;
    const form = { contentType: 'text/event-stream', contentEncoding: '', isStreamAsked: true };
    const tap = new UsageTap(
      form,
      () => {},
      () => now,
    );
    const say = (event: { type: string }, at: number): void => {
      now = at;
      tap.observe(streamOf(undefined, [event]));
    };
    const [start, ping, text] = events;
    assert.ok(start && ping && text);
    now = 60_000;
    assert.equal(tap.seen.silentMs, 0, 'it has not begun');
    say(start, 60_000);
    say(ping, 62_000);
    say(text, 65_000);
    say(text, 65_900);
    assert.equal(tap.seen.silentMs, 5_000, 'a ping is no writing, and a short pause no silence');
    now = 75_900;
    assert.equal(tap.seen.silentMs, 15_000);
  });
});

describe('the usage of an answer that is one message', () => {
  const json = { contentType: 'application/json', isStreamAsked: false };
  const seeJson = async (value: unknown, form: Form = json) =>
    await see([Buffer.from(JSON.stringify(value))], form);

  it('is what it says, also compressed, and also where a stream was asked for', async () => {
    const answer = {
      model: 'm',
      content: [{ type: 'text', text: 'four' }],
      usage: { input_tokens: 3, output_tokens: 42 },
    };
    for (const form of [json, { contentType: 'Application/JSON', isStreamAsked: true }]) {
      const { tokens, isOutputSaid, writtenBytes } = await seeJson(answer, form);
      assert.deepEqual([tokens.input, tokens.output, isOutputSaid, writtenBytes], [3, 42, true, 4]);
    }
    const body = gzipSync(JSON.stringify(answer));
    assert.equal((await see([body], { ...json, contentEncoding: 'gzip' })).tokens.output, 42);
  });

  it('is not said where it is missing, null, text, negative or no number', async () => {
    for (const usage of [
      undefined,
      null,
      'much',
      [],
      {},
      { output_tokens: -5 },
      { output_tokens: '9' },
      { output_tokens: null },
    ]) {
      const seen = await seeJson({ model: 'm', content: [{ type: 'text', text: 'four' }], usage });
      assert.deepEqual(
        [seen.isOutputSaid, seen.tokens.output, seen.model],
        [false, 0, 'm'],
        JSON.stringify(usage),
      );
    }
  });

  it('is also that of compactions, advisors and fallbacks, which are not in its totals', async () => {
    const one = (type: string, input_tokens: number, output_tokens: number, model?: string) => ({
      type,
      input_tokens,
      output_tokens,
      model: model ?? null,
    });
    const usage = {
      input_tokens: 400,
      output_tokens: 300,
      iterations: [
        one('compaction', 180_000, 3_500),
        one('message', 400, 100),
        one('advisor_message', 900, 1_600, 'claude-opus-4-8'),
        one('message', 1_300, 200),
      ],
    };
    const message = { type: 'message', model: 'claude-haiku-4-5', content: [], usage };
    const seen = await see([Buffer.from(JSON.stringify(message))], { contentType: 'application/json' });
    assert.deepEqual([seen.tokens.input, seen.tokens.output], [181_700, 3_800]);
    assert.deepEqual(
      seen.others.map(({ model, tokens }) => [model, tokens.input, tokens.output]),
      [['claude-opus-4-8', 900, 1_600]],
    );
  });

  it('is counted as no more than can be written down', async () => {
    const usage = '{"input_tokens":2e9,"output_tokens":1e12,"server_tool_use":{"web_search_requests":3e9}}';
    const { tokens } = await see([Buffer.from(`{"model":"m","usage":${usage}}`)], json);
    assert.deepEqual([tokens.input, tokens.output, tokens.webSearches], [1e9, 1e9, 1e6]);
  });

  it('stands beside a name of a model that nobody can have meant', async () => {
    const { model, tokens } = await seeJson({
      model: '\u0000'.repeat(300),
      usage: { input_tokens: 3, output_tokens: 42 },
    });
    assert.deepEqual([model, tokens.output], [null, 42]);
  });

  it('is nothing where the answer is an error or no message', async () => {
    assert.equal((await seeJson({ type: 'error' })).isRefusal, true);
    assert.equal((await see([streamOf(undefined, [{ type: 'error' }])])).isRefusal, true);
    for (const text of ['', 'hello', '[]', '7', '{"model":']) {
      const { isOutputSaid, isRefusal, isBegun } = await see([Buffer.from(text)], json);
      assert.deepEqual([isOutputSaid, isRefusal, isBegun], [false, false, false], text);
    }
    assert.equal((await see([Buffer.from('data: [DONE]\n\n')])).isBegun, false);
  });

  it('cannot be read where it is longer than any answer', async () => {
    const piece = Buffer.alloc(1024 * 1024, ' ');
    const { isReadable, bodyBytes } = await see(
      Array.from({ length: 17 }, () => piece),
      json,
    );
    assert.deepEqual([isReadable, bodyBytes], [false, 17 * 1024 * 1024]);
    const event = Buffer.alloc(1024 * 1024, 'data: x');
    assert.equal((await see(Array.from({ length: 17 }, () => event))).isReadable, false);
  });
});
