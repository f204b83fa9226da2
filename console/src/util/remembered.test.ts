import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { remember, remembered, rememberedKeys } from './remembered.ts';

const original = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');

function giveStorage(get: () => unknown): void {
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get });
}

/** As browsers do where it is closed to the page: already looking at it fails. */
const closed = (): never => {
  throw new DOMException('The operation is insecure.', 'SecurityError');
};

describe('what is kept', () => {
  afterEach(() => {
    if (original === undefined) Reflect.deleteProperty(globalThis, 'localStorage');
    else Object.defineProperty(globalThis, 'localStorage', original);
  });

  it('is there while the page is open, where storage is closed', () => {
    giveStorage(closed);
    remember('a.one', { text: 'words' });
    assert.deepEqual(remembered('a.one'), { text: 'words' });
    assert.deepEqual(rememberedKeys('a.'), ['a.one']);
    remember('a.one', null);
    assert.equal(remembered('a.one'), null);
  });

  it('is found by the beginning of its name, wherever it is', () => {
    const stored: Record<string, unknown> = { 'b.stored': '1', other: '2' };
    const functions = {
      getItem: (name: string) => stored[name] ?? null,
      setItem: () => {
        throw new DOMException('full', 'QuotaExceededError');
      },
    };
    for (const [name, value] of Object.entries(functions))
      Object.defineProperty(stored, name, { value, enumerable: false });
    giveStorage(() => stored);
    remember('b.unstored', 'too large');
    assert.deepEqual(rememberedKeys('b.').sort(), ['b.stored', 'b.unstored']);
    assert.equal(remembered('b.stored'), 1);
    assert.equal(remembered('b.unstored'), 'too large');
  });
});
