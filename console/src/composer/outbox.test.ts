import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { MessageRequest, Turn, WholeTurn } from '@greenroom/client';
import { type Outgoing, outgoing } from './drafts.ts';
import { Outbox, RETRY_MS } from './outbox.ts';
import { SampleStorage } from './sample-storage.ts';

let count = 0;
let id = '';
let time = 0;
/** What the server says to each text; none is a 202. */
let answers = new Map<string, 'away' | 'no'>();
let arrived: { text: unknown; key: string }[] = [];
let sentBodies: MessageRequest[] = [];

beforeEach(() => {
  new SampleStorage().install();
  [id, time, answers, arrived, sentBodies] = [`outbox-${++count}`, 0, new Map(), [], []];
});

function newOutbox(images: Record<string, string> = {}): Outbox {
  return new Outbox({
    send: async (_, message, key) => {
      sentBodies.push(message);
      const answer = answers.get(message.prompt ?? '');
      if (answer !== undefined) throw new Error(answer);
      arrived.push({ text: message.prompt, key });
      return { turn_id: `turn-${key}` } as Turn;
    },
    readTurn: async () => ({ content: [{ type: 'text', text: 'old' }, imageBlock('OLD')] }) as WholeTurn,
    imageData: (image) => images[image] ?? null,
    isPassing: (error) => error instanceof Error && error.message === 'away',
    onSent: () => undefined,
    now: () => time,
  });
}

const imageBlock = (data: string) => ({
  type: 'image' as const,
  source: { type: 'base64' as const, media_type: 'image/png' as const, data },
});

function write(...texts: string[]): void {
  const made = texts.map(
    (text): Outgoing => ({ key: `key-${text}`, text, images: [], turnId: null, delivery: 'queue', at: time }),
  );
  outgoing.change(id, (list) => [...list, ...made]);
}

const left = (): string[] => outgoing.get(id).map(({ text }) => text);

describe('messages on their way', () => {
  it('arrive in their order, and leave storage when they have', async () => {
    write('a', 'b');
    const outbox = newOutbox();
    await outbox.run(id);
    assert.deepEqual(arrived, [
      { text: 'a', key: 'key-a' },
      { text: 'b', key: 'key-b' },
    ]);
    assert.deepEqual(left(), []);
    assert.equal(outbox.sent.get(id)?.length, 2);
    const before = outbox.sent.get(id);
    outbox.forgetSent(id, new Set(['of another']));
    assert.equal(outbox.sent.get(id), before, 'who follows it is told of changes alone');
    outbox.forgetSent(id, new Set(['turn-key-a', 'turn-key-b']));
    assert.equal(outbox.sent.get(id), undefined);
  });

  it('wait behind one that did not get through, which is sent again with its key', async () => {
    write('a', 'b');
    answers.set('a', 'away');
    const outbox = newOutbox();
    await outbox.run(id);
    assert.equal(outbox.stateOf('key-a').name, 'unsent');
    assert.deepEqual(left(), ['a', 'b']);
    answers.clear();
    await outbox.retry(id, 'key-a');
    assert.deepEqual(
      arrived.map(({ key }) => key),
      ['key-a', 'key-b'],
    );
  });

  it('go on behind one that the server refused', async () => {
    write('a', 'b');
    answers.set('a', 'no');
    const outbox = newOutbox();
    await outbox.run(id);
    assert.equal(outbox.stateOf('key-a').name, 'refused');
    assert.deepEqual(left(), ['a']);
    assert.equal(arrived[0]?.text, 'b');
  });

  it('are sent by the page that finds them, while they are young', async () => {
    write('a');
    time = RETRY_MS - 1;
    await newOutbox().resume(id);
    assert.equal(arrived.length, 1);
    write('b');
    time += RETRY_MS;
    await newOutbox().resume(id);
    assert.deepEqual(left(), ['b']);
  });

  it('are not sent twice at once', async () => {
    write('a');
    const outbox = newOutbox();
    await Promise.all([outbox.run(id), outbox.run(id)]);
    assert.equal(arrived.length, 1);
  });

  it('can be taken out, but not while they are sent', async () => {
    write('a');
    const outbox = newOutbox();
    const sending = outbox.run(id);
    assert.equal(outbox.take(id, 'key-a'), null);
    await sending;
    write('b');
    assert.equal(outbox.take(id, 'key-b')?.text, 'b');
    assert.deepEqual(left(), []);
  });

  it('have their images, also those of a turn that was taken back', async () => {
    const image = { id: 'i', name: 'i.png', type: 'image/png' as const, bytes: 1 };
    const message: Outgoing = {
      key: 'k',
      text: 'look',
      images: [image],
      turnId: 't',
      delivery: 'steer',
      at: 0,
    };
    outgoing.change(id, () => [message]);
    await newOutbox({ i: 'NEW' }).run(id);
    assert.deepEqual(sentBodies, [
      { content: [{ type: 'text', text: 'look' }, imageBlock('OLD'), imageBlock('NEW')], delivery: 'steer' },
    ]);
  });

  it('are not sent without an image that is lost', async () => {
    const image = { id: 'gone', name: 'big.png', type: 'image/png' as const, bytes: 1 };
    outgoing.change(id, () => [
      { key: 'lost', text: 'look', images: [image], turnId: null, delivery: 'queue', at: 0 },
    ]);
    const outbox = newOutbox();
    await outbox.run(id);
    const state = outbox.stateOf('lost');
    assert.equal(state.name === 'refused' && state.error instanceof Error && state.error.message, 'big.png');
    assert.deepEqual(sentBodies, []);
  });
});
