import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOverdone } from './markdown-limits.ts';

describe('Markdown that would hold the page', () => {
  it('is known by its marks and its depth', () => {
    for (const text of [
      '*a'.repeat(30_000),
      '[a](b)'.repeat(10_000),
      '![x'.repeat(10_000),
      '>'.repeat(20_000),
      '> '.repeat(500),
      `${'- '.repeat(5_000)}x`,
      '1) '.repeat(500),
      Array.from({ length: 500 }, (_, depth) => `${'  '.repeat(depth)}- x`).join('\n'),
      // None of these is too deep by itself.
      Array.from({ length: 1_500 }, (_, line) => `${'  '.repeat(line % 38)}- x`).join('\n'),
      `${'|a'.repeat(200)}|\n${'|-'.repeat(200)}|\n${'|b\n'.repeat(200)}`,
      `> a\n> | b\n> ${'| - '.repeat(2_000)}\n${'> c\n'.repeat(200)}`,
    ]) {
      assert.equal(isOverdone(text), true, text.slice(0, 20));
    }
  });

  it('is not what people and models write, however long', () => {
    for (const text of [
      '',
      '- one `code` and **bold** [link](https://a.example)\n'.repeat(1_500),
      `| a | b |\n| --- | --- |\n${'| **1** | `2` |\n'.repeat(4_000)}`,
      `${'-'.repeat(300)}\n${'* '.repeat(100)}\n`,
      '```\n> > > >\n```',
      '> > > quoted thrice',
      'A paragraph with _some_ words.\n\n'.repeat(3_000),
      'x'.repeat(1_000_000),
    ]) {
      assert.equal(isOverdone(text), false, text.slice(0, 20));
    }
  });

  it('is known quickly', () => {
    const start = performance.now();
    for (const part of [
      ' ',
      '\n',
      '-',
      '- ',
      '\t',
      '1',
      '> -',
      '\n ',
      '_ ',
      '- - x\n',
      '|',
      '|-',
      '| ',
      '>|',
    ])
      isOverdone(part.repeat(30_000));
    assert.ok(performance.now() - start < 2_000);
  });
});
