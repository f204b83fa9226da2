import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Approval } from '@greenroom/client';
import { summarize } from './summary.ts';

const tool = (tool_name: string, input: Record<string, unknown>) =>
  summarize({ kind: 'tool', tool_name, input, description: null } as Approval);

describe('an approval on one line', () => {
  it('is whole when there is no more to see', () => {
    assert.deepEqual(tool('Bash', { command: 'git push', description: 'Push' }), {
      asks: 'approval.asks.command',
      values: {},
      text: 'git push',
      isWhole: true,
    });
  });

  const partial: [string, string, Record<string, unknown>][] = [
    ['further lines', 'Bash', { command: 'ls\nrm -rf /' }],
    ['further lines that are none of Unix', 'Bash', { command: 'ls\rrm -rf /' }],
    ['what is far to the right', 'Bash', { command: `ls ${' '.repeat(500)}; rm -rf /` }],
    ['another field', 'Bash', { command: 'ls', dangerouslyDisableSandbox: true }],
    ['an address that leads elsewhere', 'WebFetch', { url: 'https://example.com@evil.test/', prompt: 'x' }],
    ['much input', 'mcp__mail__send', { body: 'x'.repeat(500) }],
  ];
  for (const [what, name, input] of partial) {
    it(`is not whole with ${what}`, () => assert.equal(tool(name, input).isWhole, false));
  }

  it('counts the lines of a file and of an edit', () => {
    assert.deepEqual(tool('Write', { file_path: 'a', content: 'x\ny\n' }).values, { count: 2 });
    const edit = { file_path: 'a', old_string: 'x', new_string: '' };
    assert.deepEqual(tool('Edit', edit).values, { removed: 1, added: 0 });
  });
});
