import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyDraft, errorsByField, isEmptyDraft, parseDraft, withField, withoutSecrets } from './draft.ts';

describe('the draft of a session', () => {
  it('has the fields that say something', () => {
    assert.deepEqual(withField({ prompt: 'a', model: 'b' }, 'model', undefined), { prompt: 'a' });
    assert.deepEqual(withField({ prompt: 'a' }, 'max_turns', 0), { prompt: 'a', max_turns: 0 });
  });

  it('is an object', () => {
    assert.deepEqual(parseDraft('{"prompt": "a"}'), { prompt: 'a' });
    for (const text of ['', '[]', 'null', '"a"', '{']) assert.equal(parseDraft(text), null);
  });

  it('shows what is wrong at the field that it is wrong with', () => {
    const errors = errorsByField([
      { field: 'model', message: 'too long' },
      { field: 'mcp_servers.weather.url', message: 'no URL' },
      { field: 'mcp_servers.other', message: 'unknown type' },
    ]);
    assert.equal(errors.get('model'), 'too long');
    assert.equal(errors.get('mcp_servers'), 'weather.url: no URL; other: unknown type');
  });

  it('begins with somebody who can be asked', () => {
    assert.ok(isEmptyDraft(emptyDraft));
    assert.ok(!isEmptyDraft({}));
    assert.ok(!isEmptyDraft({ ...emptyDraft, prompt: 'a' }));
  });

  it('is kept without what nobody is shown again', () => {
    const draft = {
      prompt: 'a',
      env: { TOKEN: 'secret' },
      mcp_servers: { a: { type: 'http' as const, url: 'https://a.test' } },
    };
    assert.deepEqual(withoutSecrets(draft), { prompt: 'a' });
  });
});
