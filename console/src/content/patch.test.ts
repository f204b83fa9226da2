import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareTexts, lineOf, readHunks, readPatch, splitRows } from './patch.ts';

const GIT = `diff --git a/src/a.ts b/src/a.ts
index 1..2 100644
--- a/src/a.ts
+++ b/src/a.ts
@@ -1,3 +1,3 @@ function x() {
 one
-two
+zwei
 three
`;

describe('a patch', () => {
  it('is rows with the numbers of both sides', () => {
    const [file] = readPatch(GIT, 'fallback') ?? [];
    assert.deepEqual([file?.path, file?.change, file?.added, file?.removed], ['src/a.ts', 'modified', 1, 1]);
    assert.deepEqual(
      file?.rows.map((row) => [row.kind, row.oldNumber, row.newNumber, row.text]),
      [
        ['context', 1, 1, 'one'],
        ['removed', 2, null, 'two'],
        ['added', null, 2, 'zwei'],
        ['context', 3, 3, 'three'],
      ],
    );
  });

  it('says of files what happened to them beside their lines', () => {
    const patch = [
      'diff --git a/new.bin b/new.bin\nnew file mode 100644\nindex 0..1\nBinary files /dev/null and b/new.bin differ\n',
      'diff --git a/old.txt b/moved.txt\nsimilarity index 100%\nrename from old.txt\nrename to moved.txt\n',
      'diff --git a/gone.txt b/gone.txt\ndeleted file mode 100644\n--- a/gone.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-bye\n',
    ].join('');
    const files = readPatch(patch, '') ?? [];
    assert.deepEqual(
      files.map(({ path, oldPath, change }) => [path, oldPath, change]),
      [
        ['new.bin', null, 'binary'],
        ['moved.txt', 'old.txt', 'renamed'],
        ['gone.txt', null, 'deleted'],
      ],
    );
  });

  it('is none where its text is none, is cut, or is too large', () => {
    assert.equal(readPatch('@@ -1,5 +1,5 @@\n one\n', 'a'), null);
    assert.equal(readPatch('x'.repeat(5_000_001), 'a'), null);
    assert.deepEqual(readPatch('<script>alert(1)</script>', 'a'), []);
    assert.deepEqual(readPatch('', 'a'), []);
  });

  it('of the program leaves out what is no hunk', () => {
    const file = readHunks(
      [
        null,
        7,
        {},
        { oldStart: 1, newStart: 1, lines: ['+a', 5] },
        { oldStart: 4, newStart: 4, lines: ['-a', '\\ No newline', '+b'] },
      ],
      'a.ts',
    );
    assert.deepEqual(
      file.rows.map(({ kind }) => kind),
      ['gap', 'removed', 'note', 'added'],
    );
    assert.deepEqual([file.added, file.removed], [1, 1]);
  });

  it('is made of two texts, also where they have nothing in common', () => {
    assert.deepEqual(
      compareTexts('a\nb\n', 'a\nc\n', 'x').rows.map(({ kind, text }) => [kind, text]),
      [
        ['context', 'a'],
        ['removed', 'b'],
        ['added', 'c'],
      ],
    );
    assert.equal(compareTexts('', 'a\nb', 'x').change, 'created');
    assert.equal(compareTexts('', 'a\nb', 'x').added, 2);
    assert.equal(compareTexts('same', 'same', 'x').rows.length, 0);
    const [before, after] = ['a', 'b'].map((name) =>
      Array.from({ length: 20_000 }, (_, n) => `${name}${n}`).join('\n'),
    );
    const start = performance.now();
    const file = compareTexts(before ?? '', after ?? '', 'x');
    assert.deepEqual([file.removed, file.added], [20_000, 20_000]);
    assert.ok(performance.now() - start < 5_000);
  });

  it('stands side by side: what was removed beside what was added for it', () => {
    const { rows } = compareTexts('a\nb\nc\n', 'a\nx\ny\nz\nc\n', 'x');
    assert.deepEqual(
      splitRows(rows).map(({ left, right }) => [left?.text ?? null, right?.text ?? null]),
      [
        ['a', 'a'],
        ['b', 'x'],
        [null, 'y'],
        [null, 'z'],
        ['c', 'c'],
      ],
    );
  });

  it('has a place for a comment at each line', () => {
    const rows = readPatch(GIT, '')?.[0]?.rows ?? [];
    assert.deepEqual(rows.map((row) => lineOf(row, 'src/a.ts')).at(1), {
      file: 'src/a.ts',
      side: 'old',
      number: 2,
      text: 'two',
    });
    assert.deepEqual(rows.map((row) => lineOf(row, 'src/a.ts')).at(2), {
      file: 'src/a.ts',
      side: 'new',
      number: 2,
      text: 'zwei',
    });
    assert.equal(lineOf({ kind: 'gap', oldNumber: null, newNumber: null, text: '' }, 'a'), null);
  });
});
