import assert from 'node:assert/strict';
import { it } from 'node:test';
import { suggest } from './suggest.ts';

it('suggests the nearest name, however either is capitalised', () => {
  assert.equal(suggest('allowedTools', ['disallowed_tools', 'allowed_tools']), 'allowed_tools');
  assert.equal(suggest('GREENROOM_HOTS', ['GREENROOM_PORT', 'GREENROOM_HOST']), 'GREENROOM_HOST');
  assert.equal(suggest('idlettl', ['idleTtl', 'port']), 'idleTtl');
});

it('suggests nothing when nothing is near', () => {
  assert.equal(suggest('temperature', ['prompt', 'model', 'cwd']), undefined);
  assert.equal(suggest('x', []), undefined);
});
