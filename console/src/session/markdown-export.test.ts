import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TranscriptItem } from '../log/item.ts';
import { exportName, writeHead, writeItem } from './markdown-export.ts';

const words = {
  prompt: 'Prompt',
  agent: 'Agent',
  thinking: 'Thinking',
  input: 'Input',
  output: 'Output',
  ended: 'Turn',
};
const placed = { key: '1', seq: 1, at: Date.parse('2026-12-01T10:00:00Z'), turnId: null };
const write = (item: object): string => writeItem({ ...placed, ...item } as TranscriptItem, words);

describe('a session as Markdown', () => {
  it('has its title, which makes no headings or links of its own', () => {
    assert.equal(writeHead({ id: '01a2', title: 'a\n# [b](c)' }), '# a \\# \\[b\\]\\(c\\)\n\n`01a2`\n');
  });

  it('quotes what was said, so that nothing of it reaches what follows', () => {
    const text = write({ kind: 'text', text: '```\nnever closed', isStreaming: false });
    assert.equal(text, '\n### Agent\n\n> ```\n> never closed\n> ```\n');
    assert.match(
      write({ kind: 'prompt', text: '<img src=x>' }),
      /## Prompt\n\n`2026[^\n]+\n\n> \\<img src=x>/,
    );
  });

  it('fences what tools took and gave', () => {
    const call = { name: 'Bash`', state: 'done', input: { command: 'echo "```"' }, output: '```\n# x' };
    const text = write({ kind: 'tool', call });
    assert.match(text, /^\n### `` Bash` `` · done\n/);
    assert.match(text, /````json\n\{\n {2}"command": "echo \\"```\\""\n\}\n````/);
    assert.match(text, /Output\n\n````\n```\n# x\n````\n$/);
  });

  it('has all of what is far too much', () => {
    let deep: unknown = 'innermost';
    for (let level = 0; level < 20_000; level += 1) deep = [deep];
    const call = { name: 'X', state: 'done', output: '`a'.repeat(200_000) };
    assert.match(write({ kind: 'tool', call: { ...call, input: { deep } } }), /…/);
    const input = { edits: Array.from({ length: 20_000 }, (_, index) => `edit ${index}`) };
    const text = write({ kind: 'tool', call: { ...call, input } });
    assert.ok(text.includes('"edit 19999"') && text.includes(call.output));
    const start = performance.now();
    write({ kind: 'text', text: `[a](${' '.repeat(60_000)}b`, isStreaming: false });
    assert.ok(performance.now() - start < 2_000);
  });

  it('leaves the data of images out', () => {
    const output = [
      { type: 'text', text: 'a' },
      { type: 'image', source: { data: 'AAAA' } },
    ];
    assert.match(
      write({ kind: 'tool', call: { name: 'Read', state: 'done', input: null, output } }),
      /a\n\[image\]/,
    );
  });

  it('says how turns ended', () => {
    const text = write({ kind: 'turn_end', state: 'error', error: { code: 'timeout', message: '``` late' } });
    assert.match(text, /---\n\nTurn: `timeout`[^\n]+\n\n````\n``` late\n````/);
  });

  it('is a file with a name that is one', () => {
    assert.equal(exportName({ id: '01a22f0b-d8fc', title: '../修正: a/b' }, 'md'), '修正-a-b-01a22f0b.md');
    assert.equal(exportName({ id: '01a22f0b-d8fc', title: null }, 'jsonl'), 'session-01a22f0b.jsonl');
  });
});
