import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Draft } from './draft.ts';
import { allFields, type FormField } from './fields.ts';
import { mistakeIn, typedText } from './typed-texts.ts';

const servers = allFields.find(({ name }) => name === 'mcp_servers') as FormField;

describe('what was typed into a field', () => {
  it('stands there as it was typed while the draft has what came of it', () => {
    const texts = { mcp_servers: { text: '{ "a": {} }', value: { a: {} } } };
    const draft = { mcp_servers: { a: {} } } as unknown as Draft;
    assert.equal(typedText(texts, draft, servers), '{ "a": {} }');
    assert.equal(mistakeIn(texts, draft, servers), null);
  });

  it('is a mistake while it is no value, which the draft does without', () => {
    const texts = { mcp_servers: { text: '{ "a"', value: undefined } };
    assert.equal(typedText(texts, {}, servers), '{ "a"');
    assert.equal(mistakeIn(texts, {}, servers), 'json');
  });

  it('is past once the draft was changed from elsewhere', () => {
    const texts = { mcp_servers: { text: '{ "a"', value: undefined } };
    const changed = { mcp_servers: { b: {} } } as unknown as Draft;
    assert.equal(typedText(texts, changed, servers), null);
    assert.equal(mistakeIn(texts, changed, servers), null);
    assert.equal(typedText({}, changed, servers), null);
  });
});
