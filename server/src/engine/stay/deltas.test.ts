import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pack } from '../../session/event/bus.ts';
import type { DeltaSignal } from '../../session/event/delta.ts';
import type { AgentMessage } from '../agent/agent-process.ts';
import { DeltaPublisher } from './deltas.ts';

const SESSION = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';

class Harness {
  readonly sent: DeltaSignal[] = [];
  readonly publisher = new DeltaPublisher(SESSION, (signals) => this.sent.push(...signals));

  say(event: object, parent: string | null = null): void {
    this.publisher.observe(
      { type: 'stream_event', event, parent_tool_use_id: parent } as AgentMessage,
      'turn',
    );
  }
  start(id: string, parent: string | null = null): void {
    this.say({ type: 'message_start', message: { id } }, parent);
  }
  open(index: number, content_block: object): void {
    this.say({ type: 'content_block_start', index, content_block });
  }
  write(index: number, delta: object, parent: string | null = null): void {
    this.say({ type: 'content_block_delta', index, delta }, parent);
  }
  whole(parent: string | null = null): void {
    this.publisher.observe({ type: 'assistant', parent_tool_use_id: parent } as AgentMessage, 'turn');
  }
  get texts(): string[] {
    return this.sent.map(({ text }) => text);
  }
}

describe('the pieces of a message', () => {
  it('go out at once, then every 150 ms, and the rest before the message is stored', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const harness = new Harness();
    harness.start('m');
    harness.open(0, { type: 'text', text: '' });
    for (const text of ['a', 'b', 'c']) harness.write(0, { type: 'text_delta', text });
    assert.deepEqual(harness.texts, ['a']);
    t.mock.timers.tick(150);
    assert.deepEqual(harness.texts, ['a', 'bc']);
    harness.write(0, { type: 'text_delta', text: 'd' });
    harness.whole();
    assert.deepEqual(
      harness.sent.map(({ messageId, index, block, offset, text }) => ({
        messageId,
        index,
        block,
        offset,
        text,
      })),
      [
        { messageId: 'm', index: 0, block: 'text', offset: 0, text: 'a' },
        { messageId: 'm', index: 0, block: 'text', offset: 1, text: 'bc' },
        { messageId: 'm', index: 0, block: 'text', offset: 3, text: 'd' },
      ],
    );
    t.mock.timers.tick(1_000);
    assert.equal(harness.sent.length, 3);
  });

  it('name a tool as soon as its call begins, and leave out what nobody reads', () => {
    const harness = new Harness();
    harness.start('m');
    harness.open(0, { type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} });
    assert.deepEqual(harness.sent[0]?.tool, { id: 'toolu_1', name: 'Bash' });
    harness.write(0, { type: 'input_json_delta', partial_json: '{"a":' });
    harness.write(0, { type: 'input_json_delta', partial_json: '1}' });
    harness.open(1, { type: 'thinking', thinking: '' });
    harness.write(1, { type: 'signature_delta', signature: 'xyz' });
    harness.open(2, { type: 'redacted_thinking', data: 'xyz' });
    harness.say({ type: 'something_new' });
    harness.say({ type: 'message_stop' });
    assert.equal(harness.texts.join(''), '{"a":1}');
  });

  it('are kept apart by who writes, when subagents write at the same time', () => {
    const harness = new Harness();
    for (const [id, parent] of [
      ['m1', null],
      ['m2', 'toolu_1'],
    ] as const) {
      harness.start(id, parent);
      harness.say({ type: 'content_block_start', index: 0, content_block: { type: 'text' } }, parent);
    }
    for (const letter of 'abc') {
      harness.write(0, { text: letter });
      harness.write(0, { text: letter.toUpperCase() }, 'toolu_1');
    }
    harness.whole();
    harness.whole('toolu_1');
    const written = (id: string): string =>
      harness.sent.flatMap(({ messageId, text }) => (messageId === id ? [text] : [])).join('');
    assert.deepEqual([written('m1'), written('m2')], ['abc', 'ABC']);
    assert.equal(harness.sent.find(({ messageId }) => messageId === 'm2')?.parentToolUseId, 'toolu_1');
  });

  it('fit their signals whatever they hold, and cut no character in two', () => {
    for (const character of ['x', '\u0000', '€', '😀']) {
      const harness = new Harness();
      harness.start('m');
      harness.open(0, { type: 'text' });
      const text = `x${character.repeat(5_000)}`;
      harness.write(0, { text });
      assert.equal(harness.texts.join(''), text);
      assert.ok(harness.texts.every((piece) => piece.isWellFormed()));
      assert.equal(pack(harness.sent).flatMap((payload) => JSON.parse(payload)).length, harness.sent.length);
    }
  });

  it('that were not sent are forgotten with their message, the turn and the process', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const harness = new Harness();
    const interrupted = (): void => {
      harness.start('m');
      harness.open(0, { type: 'text' });
      harness.write(0, { text: 'a' });
      harness.write(0, { text: 'lost' });
    };
    interrupted();
    interrupted();
    harness.publisher.observe({ type: 'result' } as AgentMessage, 'turn');
    interrupted();
    harness.publisher[Symbol.dispose]();
    t.mock.timers.tick(1_000);
    assert.deepEqual(harness.texts, ['a', 'a', 'a']);
  });
});
