import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { executeRequest } from '../../../server/src/face/classic/classic.ts';
import { optionDefaults } from '../../../server/src/session/options/fields.ts';
import en from '../i18n/en.json' with { type: 'json' };
import { fieldGroups } from './fields.ts';

const fields = fieldGroups.flatMap((group) => group.fields);
/** Entered elsewhere: the prompt above the form, the others where a session is resumed, forked, or made of a preset. */
const elsewhere = ['prompt', 'content', 'resume_session_id', 'fork_session', 'preset_id'];

describe('the form', () => {
  it('has a field for each option that the server takes, once', () => {
    const known = Object.keys(executeRequest.shape).filter((name) => !elsewhere.includes(name));
    assert.deepEqual(fields.map(({ name }) => name as string).sort(), known.sort());
  });

  it('offers the defaults that the server has', () => {
    const defaults: Record<string, unknown> = optionDefaults;
    for (const { name, control } of fields) {
      if (control.kind === 'switch') assert.equal(control.default, defaults[name] ?? false, name);
      if (control.kind === 'choice') assert.equal(control.default, defaults[name] ?? '', name);
    }
  });

  it('offers the choices that the server takes', () => {
    for (const { name, control } of fields) {
      if (control.kind !== 'choice') continue;
      for (const value of control.choices.filter((choice) => choice !== '')) {
        const { success, error } = executeRequest.safeParse({ prompt: 'hello', [name]: value });
        assert.ok(success, `${name}: ${value}: ${error?.message}`);
      }
    }
  });

  it('has words for each field', () => {
    const words: Record<string, unknown> = en.new.fields;
    assert.deepEqual(Object.keys(words).sort(), fields.map(({ name }) => name as string).sort());
  });
});
