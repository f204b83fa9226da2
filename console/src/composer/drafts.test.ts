import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { changeDraft, type Draft, drafts, edited, outgoing, putIntoDraft, sendDraft } from './drafts.ts';
import type { ImageRef } from './image-store.ts';
import { SampleStorage } from './sample-storage.ts';

const image: ImageRef = { id: 'i1', name: 'a.png', type: 'image/png', bytes: 10 };
let keys = 0;
const sending = { delivery: 'queue' as const, now: 0, newKey: () => `key-${++keys}` };
let storage = new SampleStorage();
let id = '';

beforeEach(() => {
  storage = new SampleStorage().install();
  id = `session-${++keys}`;
});

const stored = (name: string): unknown => JSON.parse(storage.getItem(`greenroom.${name}.${id}`) ?? 'null');

describe('a draft', () => {
  it('is in storage with each change, for its session alone', () => {
    changeDraft(id, { text: 'あいう' });
    assert.equal((stored('draft') as Draft).text, 'あいう');
    assert.equal(drafts.get('another').text, '');
  });

  it('is what another tab has made of it by now', () => {
    changeDraft(id, { text: 'mine' });
    storage.setItem(`greenroom.draft.${id}`, JSON.stringify({ text: 'theirs', images: [], attempt: null }));
    drafts.takeStorage(`greenroom.draft.${id}`);
    assert.equal(drafts.get(id).text, 'theirs');
  });

  it('leaves nothing behind when it is empty', () => {
    changeDraft(id, { text: 'a' });
    changeDraft(id, { text: '' });
    assert.equal(storage.items.size, 0);
    assert.equal(drafts.get(id).text, '');
  });

  it('stays as long as the page where storage is full', () => {
    storage.room = 10;
    changeDraft(id, { text: 'a text that finds no room' });
    assert.equal(drafts.get(id).text, 'a text that finds no room');
  });

  it('is read whatever storage has', () => {
    storage.setItem(`greenroom.draft.${id}`, '"odd"');
    assert.deepEqual(drafts.get(id), { text: '', images: [], attempt: null });
    storage.setItem(`greenroom.outgoing.${id}`, '{');
    assert.deepEqual(outgoing.get(id), []);
  });
});

describe('a draft that is sent', () => {
  it('is on its way before it is out of the text area', () => {
    changeDraft(id, { text: 'go', images: [image] });
    const message = sendDraft(id, sending);
    assert.deepEqual(stored('outgoing'), [message]);
    assert.deepEqual([message?.text, message?.images], ['go', [image]]);
    assert.equal(drafts.get(id).text, '');
  });

  it('is none without a word or an image', () => {
    changeDraft(id, { text: ' \n' });
    assert.equal(sendDraft(id, sending), null);
    assert.equal(drafts.get(id).text, ' \n');
  });

  it('has the key of its first try as long as it is the same', () => {
    const attempt = { key: 'first', delivery: 'queue' as const, text: 'go', images: '' };
    putIntoDraft(id, { text: 'go', images: [], attempt });
    assert.equal(sendDraft(id, sending)?.key, 'first');
    putIntoDraft(id, { text: 'go', images: [], attempt });
    changeDraft(id, { text: 'go on' });
    assert.notEqual(sendDraft(id, sending)?.key, 'first');
    putIntoDraft(id, { text: 'go', images: [], attempt });
    assert.notEqual(sendDraft(id, { ...sending, delivery: 'steer' })?.key, 'first');
  });

  it('comes back behind what is written there by now', () => {
    changeDraft(id, { text: 'newer' });
    putIntoDraft(id, { text: 'older', images: [image], attempt: null });
    assert.equal(drafts.get(id).text, 'newer\n\nolder');
    assert.deepEqual(drafts.get(id).images, [image]);
  });
});

describe('a message that is being edited', () => {
  it('is none any more once it was closed, also where the page began with one', () => {
    storage.setItem(`greenroom.editing.${id}`, JSON.stringify({ turnId: 't', before: 'a', text: 'b' }));
    assert.equal(edited.get(id)?.text, 'b');
    edited.change(id, () => null);
    assert.equal(edited.get(id), null);
    assert.equal(storage.items.size, 0);
  });
});
