import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readAgentLine, UnfitLineError } from './agent-line.ts';

const question = { type: 'control_request', request_id: 'r1', request: { subtype: 'can_use_tool' } };

describe('a line of an agent program', () => {
  const fit: Record<string, object> = {
    'a message': {
      type: 'assistant',
      message: { role: 'assistant', content: [{ type: 'text', text: 'hi' }] },
    },
    'a message of a kind that is still unknown': { type: 'weather', data: 1 },
    'a question': question,
    'an answer': {
      type: 'control_response',
      response: { request_id: 'a', subtype: 'success', response: {} },
    },
    'a question taken back': { type: 'control_cancel_request', request_id: 'r1' },
    'a part of the transcript': {
      type: 'transcript_mirror',
      filePath: '/p/a.jsonl',
      entries: [{ type: 'user' }],
    },
    'a result': { type: 'result', subtype: 'success', is_error: false, result: 'done' },
    'the result of a failure': {
      type: 'result',
      subtype: 'error_during_execution',
      is_error: true,
      errors: ['x'],
    },
  };
  for (const [what, message] of Object.entries(fit)) {
    it(`is passed on as it is: ${what}`, () => {
      const text = JSON.stringify(message);
      assert.equal(readAgentLine(Buffer.from(text)).text, text);
    });
  }

  const unfit: Record<string, string> = {
    'no JSON': 'oops',
    'half a message': '{"type":"assistant","mess',
    null: 'null',
    'a number': '1',
    'a list': '[{"type":"assistant"}]',
    'no type': '{}',
    'a type that is no text': '{"type":{}}',
    'a question without a request': '{"type":"control_request","request_id":"r1"}',
    'a question whose request is null': '{"type":"control_request","request_id":"r1","request":null}',
    'a question whose type comes last, and escaped':
      '{"type":"user","request_id":"r1","type":"control\\u005frequest"}',
    'a question without an id': '{"type":"control_request","request":{"subtype":"can_use_tool"}}',
    'a question whose id is no text': '{"type":"control_request","request_id":{},"request":{"subtype":"x"}}',
    'a question of no kind': '{"type":"control_request","request_id":"r1","request":{}}',
    'an answer without one': '{"type":"control_response"}',
    'an answer to nobody': '{"type":"control_response","response":{"subtype":"success"}}',
    'nothing taken back': '{"type":"control_cancel_request"}',
    'a transcript that is no list': '{"type":"transcript_mirror","filePath":"/p/a.jsonl","entries":5}',
    'a transcript of no entries': '{"type":"transcript_mirror","filePath":"/p/a.jsonl","entries":[null]}',
    'a transcript of no file': '{"type":"transcript_mirror","filePath":7,"entries":[]}',
    'a result that cannot be made text':
      '{"type":"result","is_error":true,"subtype":"success","result":{"toString":1}}',
    'errors that are no texts': '{"type":"result","is_error":true,"errors":[{"trim":1}]}',
    'more values than can be built at once': `{"type":"x","a":[${'0,'.repeat(200_000)}0]}`,
    'deeper than can be written': `{"type":"x","a":${'['.repeat(600)}${']'.repeat(600)}}`,
  };
  for (const [what, text] of Object.entries(unfit)) {
    it(`is refused: ${what}`, () => {
      assert.throws(() => readAgentLine(Buffer.from(text)), UnfitLineError);
    });
  }

  it('is told by its id when it is a question or an answer', () => {
    assert.equal(readAgentLine(Buffer.from(JSON.stringify(question))).controlId, 'r1');
    assert.equal(readAgentLine(Buffer.from(JSON.stringify({ type: 'assistant' }))).controlId, null);
  });

  it('has U+FFFD for halves of surrogate pairs, in names and texts, and keeps whole pairs and other escapes', () => {
    const raw = String.raw`{"type":"x","a":"cut \ud83d","\uDE00b":"\ud83d\ud83d\ude00","c":"\\ud83d \"\u00e9\n","d":"\uD83D\uDE00"}`;
    const { text } = readAgentLine(Buffer.from(raw));
    assert.ok(text.isWellFormed());
    assert.deepEqual(JSON.parse(text), {
      type: 'x',
      a: 'cut \ufffd',
      '\ufffdb': '\ufffd\u{1f600}',
      c: '\\ud83d "é\n',
      d: '\u{1f600}',
    });
  });

  it('has U+FFFD for bytes that are no UTF-8', () => {
    const line = Buffer.concat([
      Buffer.from('{"type":"x","a":"'),
      Buffer.from([0xed, 0xa0, 0xbd]),
      Buffer.from('"}'),
    ]);
    assert.match(JSON.parse(readAgentLine(line).text).a, /^\ufffd+$/);
  });

  it('stays one line for readers that know more line ends', () => {
    const inner = '{"type":"control_request","request_id":"r1"}';
    const { text } = readAgentLine(
      Buffer.from(`{"type":"x","a":[1,\r${inner}\r],"b":"one\u2028two\u2029three"}`),
    );
    assert.doesNotMatch(text, /[\r\n\u2028\u2029]/);
    assert.equal(JSON.parse(text).b, 'one\u2028two\u2029three');
  });
});
