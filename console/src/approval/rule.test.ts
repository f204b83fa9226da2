import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explainRule, isBroad } from './rule.ts';

describe('a permission rule', () => {
  it('is explained by what it lets through', () => {
    assert.deepEqual(explainRule('Bash(echo hi *)').values, { command: 'echo hi' });
    assert.equal(explainRule('Bash(echo hi *)').says, 'approval.rule.prefix');
    assert.equal(explainRule('Bash(npm run test:*)').says, 'approval.rule.prefix');
    assert.equal(explainRule('Bash(npm test)').says, 'approval.rule.command');
    assert.equal(explainRule('Bash(cp * main)').says, 'approval.rule.pattern');
    assert.equal(explainRule('WebFetch(domain:example.com)').says, 'approval.rule.domain');
    assert.deepEqual(explainRule('mcp__mail__send').values, { server: 'mail', tool: 'send' });
    assert.equal(explainRule('Read(src/a.ts)').says, 'approval.rule.read');
    assert.equal(explainRule('no rule (').says, 'approval.rule.unreadable');
  });

  const broad = [
    'Bash',
    'Bash(*)',
    'Bash(:*)',
    'Bash(git:*)',
    'Bash(git *)',
    'Bash(git -c *)',
    'Bash(/usr/bin/env *)',
    'Bash(bash -c:*)',
    'Bash(git*)',
    'Bash(* --version)',
    'Read',
    'Read(//etc/**)',
    'Read(~/**)',
    'Read(../**)',
    'Edit',
    'Write(**)',
    'WebFetch',
    'WebFetch(domain:*)',
    'mcp__mail',
    'mcp__mail__*',
    'Agent',
  ];
  for (const rule of broad)
    it(`is warned of when it is broad: ${rule}`, () => assert.equal(isBroad(rule), true));

  const narrow = [
    'Bash(git status:*)',
    'Bash(echo *)',
    'Bash(npm test)',
    'Read(src/**)',
    'Read(//etc/hosts)',
    'Edit(docs/*.md)',
    'WebFetch(domain:example.com)',
    'mcp__mail__send',
  ];
  for (const rule of narrow)
    it(`is not warned of when it is narrow: ${rule}`, () => assert.equal(isBroad(rule), false));
});
