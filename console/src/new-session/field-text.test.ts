import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFieldText, toFieldText } from './field-text.ts';
import type { Control } from './fields.ts';

const json: Control = { kind: 'json' };
const number: Control = { kind: 'number', min: 0, step: 1 };

describe('the text of a field', () => {
  it('stands for the value that it was made of', () => {
    const cases: [unknown, Control][] = [
      ['some text', { kind: 'text' }],
      [['Bash(git status:*)', 'Read'], { kind: 'lines' }],
      [{ NAME: 'a=b', OTHER: '' }, { kind: 'pairs' }],
      [0.5, number],
      [{ weather: { type: 'http', url: 'https://weather.example' } }, json],
      ['a string', json],
      [undefined, { kind: 'text' }],
    ];
    for (const [value, control] of cases) {
      assert.deepEqual(parseFieldText(toFieldText(value, control), control), { value });
    }
  });

  it('is no value when it is blank', () => {
    for (const kind of ['text', 'lines', 'pairs', 'long', 'json'] as const) {
      assert.deepEqual(parseFieldText(' \n ', { kind }), { value: undefined }, kind);
    }
  });

  it('says what is wrong with it', () => {
    assert.deepEqual(parseFieldText('1.2.3', number), { error: 'number' });
    assert.deepEqual(parseFieldText('{"half":', json), { error: 'json' });
    for (const text of ['NAME', '=value']) {
      assert.deepEqual(parseFieldText(text, { kind: 'pairs' }), { error: 'pairs' });
    }
  });

  it('drops blank lines of lists and spaces around their entries', () => {
    assert.deepEqual(parseFieldText(' Read \n\nWrite', { kind: 'lines' }), { value: ['Read', 'Write'] });
  });
});
