import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EventStreamParser, type ServerSentEvent } from './sse.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function parse(...chunks: (string | Uint8Array)[]): ServerSentEvent[] {
  const parser = new EventStreamParser();
  return chunks.flatMap((chunk) => parser.push(typeof chunk === 'string' ? bytes(chunk) : chunk));
}

const data = (...chunks: (string | Uint8Array)[]): string[] =>
  parse(...chunks).map((message) => message.data);

describe('the parser of event streams', () => {
  it('reads type, data and id, and keeps the id for messages that have none', () => {
    assert.deepEqual(parse('id: 7\nevent: turn\ndata: {"a":1}\n\ndata: b\n\n'), [
      { type: 'turn', data: '{"a":1}', id: '7' },
      { type: 'message', data: 'b', id: '7' },
    ]);
  });

  it('ends lines at LF, CR and CRLF', () => {
    for (const end of ['\n', '\r', '\r\n']) {
      assert.deepEqual(
        data(`data: a${end}data: b${end}${end}data: c${end}${end}`),
        ['a\nb', 'c'],
        JSON.stringify(end),
      );
    }
  });

  it('reads the same whatever the chunks are, also when a character or a CRLF is cut in two', () => {
    const text =
      '\uFEFF: hello\r\nid: 1\r\nevent: e\r\ndata: größer \u{1F600}\r\ndata:  two\r\n\r\ndata\n\ndata: 3\r\rdata: 4\n\n';
    const expected = parse(text);
    assert.deepEqual(expected, [
      { type: 'e', data: 'größer \u{1F600}\n two', id: '1' },
      { type: 'message', data: '', id: '1' },
      { type: 'message', data: '3', id: '1' },
      { type: 'message', data: '4', id: '1' },
    ]);
    const whole = bytes(text);
    for (let size = 1; size < whole.length; size++) {
      const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
        whole.subarray(index * size, (index + 1) * size),
      );
      assert.deepEqual(parse(...chunks), expected, `in chunks of ${size}`);
    }
  });

  it('gives a message as soon as its blank line ends, at a CR too', () => {
    const parser = new EventStreamParser();
    assert.deepEqual(parser.push(bytes('data: a\r\r')), [{ type: 'message', data: 'a', id: '' }]);
    assert.deepEqual(parser.push(bytes('\n')), []);
    assert.deepEqual(parser.push(bytes('data: b\n\n')), [{ type: 'message', data: 'b', id: '' }]);
  });

  it('skips comments, unknown fields and messages without data; what has not ended is no message', () => {
    assert.deepEqual(data(': heartbeat\n\nevent: nothing\n\nfoo: bar\nDATA: x\ndata: a\n\ndata: b'), ['a']);
    assert.deepEqual(
      parse('event: nothing\n\ndata: a\n\n')[0]?.type,
      'message',
      'the type goes with its message',
    );
  });

  it('takes one space off a value, and a line without a colon as a field without a value', () => {
    assert.deepEqual(data('data:a\n\ndata: b\n\ndata:  c\n\ndata: d:e\n\ndata\ndata\n\n'), [
      'a',
      'b',
      ' c',
      'd:e',
      '\n',
    ]);
  });

  it('ignores an id with a NUL and a retry that is no number', () => {
    const parser = new EventStreamParser();
    const [message] = parser.push(bytes('id: 1\nid: 2\0\nretry: 1500\nretry: soon\nretry: -1\ndata: a\n\n'));
    assert.equal(message?.id, '1');
    assert.equal(parser.retryMs, 1500);
    assert.equal(parser.push(bytes('id\ndata: b\n\n'))[0]?.id, '', 'an empty id forgets the last one');
  });
});
