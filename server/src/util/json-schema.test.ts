import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { schemaProblem, withoutVersion } from './json-schema.ts';

const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more });

describe('a JSON Schema', () => {
  it('is right in any draft that is about the same, whichever it names', () => {
    const $schema = 'https://json-schema.org/draft/2020-12/schema';
    const named = object({ a: { $ref: '#/$defs/a' } }, { $schema, $defs: { a: { type: 'string' } } });
    assert.equal(schemaProblem(named), null);
    assert.equal(schemaProblem(object({ zip: { type: 'string', format: 'zip' } }, { 'x-own': 1 })), null);
    assert.ok(!('$schema' in withoutVersion(named)));
  });

  it('is wrong with a type that there is not, a keyword of the wrong kind, or a reference to nothing', () => {
    assert.match(schemaProblem(object({ a: { type: 'text' } })) ?? '', /properties\/a\/type/);
    assert.match(schemaProblem(object({}, { required: 'a' })) ?? '', /required must be array/);
    assert.match(schemaProblem(object({ a: { $ref: '#/$defs/b' } })) ?? '', /#\/\$defs\/b/);
    assert.match(schemaProblem(object({ a: { type: 'string', pattern: '(' } })) ?? '', /./);
  });
});
