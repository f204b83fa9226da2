import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Grant } from '../session.ts';
import { addGrants, coversCall, grantId, grantOfCall, toGrantView } from './grants.ts';

const call = (command: string): Grant => grantOfCall({ tool: 'Bash', input: { command } });

describe('what was allowed for a session', () => {
  it('is the newest, and no more than a session has room for', () => {
    const rules: Grant[] = Array.from({ length: 600 }, (_, n) => ({ rule: `Bash(step ${n})` }));
    assert.deepEqual(addGrants(rules, [call('last')]), [...rules.slice(101), call('last')]);
    const large: Grant[] = Array.from({ length: 120 }, (_, n) => ({
      rule: `Bash(${n} ${'x'.repeat(10_000)})`,
    }));
    const kept = large.reduce<Grant[]>((known, grant) => addGrants(known, [grant]), [{ rule: 'Bash(ls)' }]);
    assert.ok(JSON.stringify(kept).length < 1_100_000);
    assert.deepEqual(kept.at(-1), large.at(-1));
  });

  it('does not give way to one that is larger than all of them may be', () => {
    const known: Grant[] = [{ rule: 'Bash(ls)' }];
    assert.deepEqual(addGrants(known, [{ rule: `Bash(${'x'.repeat(2_000_000)})` }]), known);
  });

  it('is there once, however often it was given', () => {
    assert.deepEqual(addGrants([call('ls'), { rule: 'Read' }], [call('ls')]), [{ rule: 'Read' }, call('ls')]);
  });

  it('is a hash of a call, whatever that writes; what is short of it is shown', () => {
    const input = { file_path: 'a.txt', content: 'x'.repeat(1_000_000) };
    const grants = addGrants([], [grantOfCall({ tool: 'Write', input })]);
    assert.ok(JSON.stringify(grants).length < 200);
    assert.equal(coversCall(grants, { tool: 'Write', input }), true);
    assert.equal(coversCall(grants, { tool: 'Write', input: { ...input, content: 'y' } }), false);
    assert.equal(coversCall(grants, { tool: 'Edit', input }), false);
    assert.deepEqual(
      [...grants, call('ls')].map((grant) => toGrantView(grant).input),
      [null, { command: 'ls' }],
    );
  });

  it('is the same call in whatever order its fields come, and however a command is described', () => {
    const grants = [
      grantOfCall({ tool: 'Bash', input: { command: 'ls', description: 'List', deep: { a: 1, b: [2] } } }),
    ];
    const same = { deep: { b: [2], a: 1 }, description: 'Show the files', command: 'ls' };
    assert.equal(coversCall(grants, { tool: 'Bash', input: same }), true);
    assert.equal(coversCall(grants, { tool: 'Bash', input: { ...same, deep: { b: [2, 3], a: 1 } } }), false);
    const described = [grantOfCall({ tool: 'Agent', input: { description: 'one' } })];
    assert.equal(coversCall(described, { tool: 'Agent', input: { description: 'two' } }), false);
  });

  it('still holds where it was kept whole, and is kept short from the next one on', () => {
    const input = { file_path: 'a.txt', content: 'x'.repeat(10_000) };
    const whole: Grant = { tool: 'Write', input, approval_id: 'a' };
    assert.equal(coversCall([whole], { tool: 'Write', input }), true);
    const [short] = addGrants([whole], [{ rule: 'Read' }]);
    assert.ok(short);
    assert.equal(grantId(short), grantId(whole));
    assert.deepEqual(short, { ...grantOfCall({ tool: 'Write', input }), approval_id: 'a' });
    assert.deepEqual(toGrantView(whole), toGrantView(short));
  });
});
