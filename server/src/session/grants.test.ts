import assert from 'node:assert/strict';
import { it } from 'node:test';
import { addGrants } from './grants.ts';
import type { Grant } from './session.ts';

const call = (command: string): Grant => ({ tool: 'Bash', input: { command } });

it('keeps the newest grants, and no more than a session has room for', () => {
  const rules: Grant[] = Array.from({ length: 600 }, (_, n) => ({ rule: `Bash(step ${n})` }));
  assert.deepEqual(addGrants(rules, [call('last')]), [...rules.slice(101), call('last')]);
  const large = Array.from({ length: 30 }, (_, n) => call(`${n} ${'x'.repeat(100_000)}`));
  const kept = large.reduce<Grant[]>((known, grant) => addGrants(known, [grant]), [{ rule: 'Bash(ls)' }]);
  assert.ok(JSON.stringify(kept).length < 1_100_000);
  assert.deepEqual(kept.at(-1), large.at(-1));
});

it('does not give up the others for one that is larger than all of them may be', () => {
  const known: Grant[] = [{ rule: 'Bash(ls)' }];
  assert.deepEqual(addGrants(known, [call('x'.repeat(2_000_000))]), known);
});

it('has a grant once, however often it was given', () => {
  assert.deepEqual(addGrants([call('ls'), { rule: 'Read' }], [call('ls')]), [{ rule: 'Read' }, call('ls')]);
});
