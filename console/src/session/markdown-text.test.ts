import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fence, inlineCode, neutralise, plainLine, quote } from './markdown-text.ts';

describe('text of strangers in a Markdown file', () => {
  it('is fenced by more backticks than it has', () => {
    assert.equal(fence('a'), '```\na\n```');
    assert.equal(fence('```\n# out\n```\n'), '````\n```\n# out\n```\n````');
    assert.equal(fence('`````', 'json'), '``````json\n`````\n``````');
  });

  it('stays within one line of code', () => {
    assert.equal(inlineCode('a\n# b'), '`a # b`');
    assert.equal(inlineCode('a `b` c'), '`` a `b` c ``');
    assert.equal(inlineCode(' \n'), '');
  });

  it('is a plain line where it is a name', () => {
    assert.equal(plainLine('# a\n<b> [c](d)'), '\\# a \\<b\\> \\[c\\]\\(d\\)');
  });

  const table: [what: string, text: string, safe: string][] = [
    ['HTML', 'a <script>alert(1)</script>', 'a \\<script>alert(1)\\</script>'],
    ['a comment', '<!-- hidden -->', '\\<!-- hidden -->'],
    ['comparisons', '1 < 2', '1 < 2'],
    ['code in a line', 'use `<b>` here', 'use `<b>` here'],
    ['an image from elsewhere', '![x](https://evil.example/p.png)', '!\\[x](https://evil.example/p.png)'],
    ['a link that runs', '[x](javascript:alert(1))', '[x]\\(javascript:alert(1))'],
    ['one with odd letters', '[x]( JaVaScRiPt:alert(1))', '[x]\\( JaVaScRiPt:alert(1))'],
    ['one written with entities', '[x](javascript&colon;alert(1))', '[x]\\(javascript&colon;alert(1))'],
    ['a definition that runs', '[x]: data:text/html,a', '[x]\\: data:text/html,a'],
    [
      'a link to a page',
      '[x](https://example.com) [y](mailto:a@b.c)',
      '[x](https://example.com) [y](mailto:a@b.c)',
    ],
    ['code in a block', '```html\n<b>\n```\n<i>', '```html\n<b>\n```\n\\<i>'],
    ['a block that is never closed', '~~~\n<b>', '~~~\n<b>\n~~~'],
  ];
  for (const [what, text, safe] of table) {
    it(`is kept from harm: ${what}`, () => assert.equal(neutralise(text), safe));
  }

  it('ends with its quotation', () => {
    assert.equal(quote('# a\n\n```\nb'), '> # a\n>\n> ```\n> b\n> ```');
    assert.equal(quote('a\rb'), '> a\n> b');
  });
});
