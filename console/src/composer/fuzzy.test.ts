import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { indexPaths, rankPaths } from './fuzzy.ts';

const file = (path: string) => ({ path, isDirectory: false });
const find = (paths: readonly string[], query: string, limit = 10): string[] =>
  rankPaths(indexPaths(paths.map(file)), query, limit).map(({ path }) => path);

describe('paths that are looked for', () => {
  it('come by their name first, then by their directories, then by scattered letters', () => {
    const paths = ['doc/queue/a.md', 'src/my-queue.ts', 'src/queue.ts', 'q/u/e/ue.txt', 'src/other.ts'];
    assert.deepEqual(find(paths, 'queue'), [
      'src/queue.ts',
      'src/my-queue.ts',
      'doc/queue/a.md',
      'q/u/e/ue.txt',
    ]);
  });

  it('may be written with parts of several names', () => {
    assert.equal(
      find(['src/composer/mention.ts', 'src/common/entity.ts'], 'src/mention')[0],
      'src/composer/mention.ts',
    );
  });

  it('take no notice of case, nor of how a name is composed', () => {
    assert.deepEqual(find(['README.md'], 'readme'), ['README.md']);
    assert.deepEqual(find(['ガイド.md'.normalize('NFD')], 'ガイド'), ['ガイド.md'.normalize('NFD')]);
  });

  it('are the nearest to the root while nothing is typed', () => {
    assert.deepEqual(find(['a/b/c.txt', 'z.txt', 'a/b.txt', 'a'], ''), [
      'a',
      'z.txt',
      'a/b.txt',
      'a/b/c.txt',
    ]);
  });

  it('are none where a letter is missing', () => {
    assert.deepEqual(find(['abc'], 'abd'), []);
  });

  it('are found among ten thousand between two keys', () => {
    const many = indexPaths(
      Array.from({ length: 10_000 }, (_, index) =>
        file(`packages/module-${index % 97}/src/part-${index}/component-${index}.tsx`),
      ),
    );
    const from = performance.now();
    const [first] = rankPaths(many, 'component-777.', 50);
    assert.equal(first?.path, 'packages/module-1/src/part-777/component-777.tsx');
    assert.ok(performance.now() - from < 200);
  });
});
