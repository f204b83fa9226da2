import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import en from './en.json' with { type: 'json' };
import ja from './ja.json' with { type: 'json' };
import { translate, type WordKey, type Words } from './words.ts';

type Entry = [key: string, text: string];

/** All texts by key; forms of a number are one. */
function entries(words: object, prefix = ''): Entry[] {
  return Object.entries(words).flatMap(([name, value]: [string, unknown]): Entry[] => {
    const key = prefix + name;
    if (typeof value === 'string') return [[key, value]];
    const part = value as Record<string, string>;
    return part.other === undefined ? entries(part, `${key}.`) : [[key, part.other]];
  });
}

const placeholders = (text: string): string[] => [...text.matchAll(/\{\w+\}/g)].map(([name]) => name).sort();

describe('the words', () => {
  it('are the same in each language, with the same values in them', () => {
    const japanese = new Map(entries(ja));
    assert.deepEqual(
      [...japanese.keys()].sort(),
      entries(en)
        .map(([key]) => key)
        .sort(),
    );
    for (const [key, text] of entries(en)) {
      assert.deepEqual(placeholders(japanese.get(key) ?? ''), placeholders(text), key);
    }
  });

  it('are never blank', () => {
    for (const [key, text] of [...entries(en), ...entries(ja)]) assert.notEqual(text.trim(), '', key);
  });

  it('take values, in the form that the number wants, written as the language does', () => {
    const say = (words: Words, locale: string, count: number): string =>
      translate(words, locale, 'connection.nextTry', { count });
    assert.match(say(en, 'en', 1), /in 1 s/);
    assert.match(say(en, 'en', 1_200), /in 1,200 s/);
    assert.match(say(ja, 'ja', 1), /1 秒/);
  });

  it('show their key where they are missing', () => {
    assert.equal(translate(en, 'en', 'no.such.words' as WordKey), 'no.such.words');
  });
});
