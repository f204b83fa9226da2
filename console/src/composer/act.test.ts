import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { actOfKey, actsOf, deliveryOf, type Press, type Standing, standingOf } from './act.ts';

const enter: Press = {
  key: 'Enter',
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  isComposing: false,
};

describe('keys in the composer', () => {
  const table: [name: string, press: Partial<Press>, ReturnType<typeof acts>][] = [
    ['Enter', {}, { running: 'steer', waiting: 'queue', idle: 'send' }],
    ['Alt-Enter', { altKey: true }, { running: 'queue', waiting: 'queue', idle: 'send' }],
    ['Ctrl-Enter', { ctrlKey: true }, { running: 'queue', waiting: 'queue', idle: 'send' }],
    ['Command-Enter', { metaKey: true }, { running: 'queue', waiting: 'queue', idle: 'send' }],
    [
      'Ctrl-Shift-Enter',
      { ctrlKey: true, shiftKey: true },
      { running: 'interrupt', waiting: 'interrupt', idle: 'send' },
    ],
    ['Shift-Enter', { shiftKey: true }, { running: null, waiting: null, idle: null }],
    ['Alt-Shift-Enter', { altKey: true, shiftKey: true }, { running: null, waiting: null, idle: null }],
    ['a letter', { key: 'a' }, { running: null, waiting: null, idle: null }],
    ['Ctrl and a letter', { key: 'k', ctrlKey: true }, { running: null, waiting: null, idle: null }],
  ];
  for (const [name, press, expected] of table) {
    it(`${name} means what the session is about to do`, () => assert.deepEqual(acts(press), expected));
  }

  it('are left to the input method that composes', () => {
    assert.deepEqual(acts({ isComposing: true }), { running: null, waiting: null, idle: null });
    assert.equal(actOfKey({ ...enter, isComposing: true, ctrlKey: true }, 'running'), null);
  });

  it('make new lines on touch screens, unless another key is held', () => {
    assert.equal(actOfKey(enter, 'running', true), null);
    assert.equal(actOfKey({ ...enter, ctrlKey: true }, 'running', true), 'queue');
  });
});

describe('acts', () => {
  it('follow from how the session stands', () => {
    assert.deepEqual((['pending', 'running', 'completed', 'error', 'cancelled'] as const).map(standingOf), [
      'waiting',
      'running',
      'idle',
      'idle',
      'idle',
    ]);
    assert.deepEqual(actsOf.idle, ['send']);
    assert.equal(actsOf.waiting.includes('steer'), false);
  });

  it('are delivered by the name that the API has', () => {
    assert.equal(deliveryOf('send'), 'queue');
    assert.equal(deliveryOf('steer'), 'steer');
  });
});

function acts(press: Partial<Press>) {
  const act = (standing: Standing) => actOfKey({ ...enter, ...press }, standing);
  return { running: act('running'), waiting: act('waiting'), idle: act('idle') };
}
