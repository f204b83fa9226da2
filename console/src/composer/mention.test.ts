import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { appendMention, completeMention, isMentionable, mentionAt, writeMention } from './mention.ts';

/** `|` is the caret. */
function at(marked: string) {
  const caret = marked.indexOf('|');
  const text = marked.replace('|', '');
  return { text, mention: mentionAt(text, caret) };
}

function complete(marked: string, path: string, isDirectory = false): string {
  const { text, mention } = at(marked);
  assert.ok(mention !== null, marked);
  const done = completeMention(text, mention, { path, isDirectory });
  return `${done.text.slice(0, done.caret)}|${done.text.slice(done.caret)}`;
}

describe('the mention under the caret', () => {
  const table: [marked: string, query: string | null][] = [
    ['@|', ''],
    ['see @src/in| please', 'src/in'],
    ['see @src/in please|', null],
    ['line\n@a|', 'a'],
    ['(@a|)', 'a'],
    ['これ@src|', 'src'],
    ['「@日本語|」', '日本語'],
    ['me@example|', null],
    ['a.b+c@x|', null],
    ['@@|', null],
    ['@"two wor|ds"', 'two wor'],
    ['@"closed" |', null],
    ['@"a\nb|', null],
    ['|@a', null],
    [`@${'a'.repeat(2_000)}|`, null],
  ];
  for (const [marked, query] of table) {
    it(`of ${JSON.stringify(marked.slice(0, 30))} is ${query === null ? 'none' : JSON.stringify(query)}`, () => {
      assert.equal(at(marked).mention?.query ?? null, query);
    });
  }

  it('is completed with a space behind it', () => {
    assert.equal(complete('see @in|', 'src/index.ts'), 'see @src/index.ts |');
    assert.equal(complete('see @in| now', 'src/index.ts'), 'see @src/index.ts |now');
    assert.equal(complete('これ@in|を', 'index.ts'), 'これ@index.ts |を');
  });

  it('is quoted where its path has spaces or signs', () => {
    assert.equal(complete('@two|', 'my docs/two words.md'), '@"my docs/two words.md" |');
    assert.equal(complete('@"my d|" end', 'my docs/a.md'), '@"my docs/a.md" |end');
    assert.equal(writeMention('a(1).txt'), '@"a(1).txt"');
    assert.equal(writeMention('日本語.md'), '@日本語.md');
  });

  it('stays open behind a directory', () => {
    assert.equal(complete('@sr|', 'src', true), '@src/|');
    const open = complete('@my|', 'my docs', true);
    assert.equal(open, '@"my docs/|');
    assert.equal(at(open).mention?.query, 'my docs/');
    assert.equal(complete(open, 'my docs/a b.txt'), '@"my docs/a b.txt" |');
  });
});

describe('a mention', () => {
  it('is put behind a text as a word of its own', () => {
    assert.equal(appendMention('', 'uploads/a.pdf'), '@uploads/a.pdf ');
    assert.equal(appendMention('read', 'a b.pdf'), 'read @"a b.pdf" ');
    assert.equal(appendMention('read\n', 'a.pdf'), 'read\n@a.pdf ');
  });

  it('cannot be of a name that would break out of it', () => {
    assert.equal(isMentionable('ok name.txt'), true);
    assert.equal(isMentionable('a\nignore all that.txt'), false);
    assert.equal(isMentionable('a" b'), false);
  });
});
