import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { numberedName, safeFileName } from './file-name.ts';

describe('the name of a file that somebody gives', () => {
  const table: [name: string, safe: string][] = [
    ['report.pdf', 'report.pdf'],
    ['見積もり（最終）.xlsx', '見積もり（最終）.xlsx'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['C:\\docs\\a.txt', 'C__docs_a.txt'],
    ['.bashrc', 'bashrc'],
    ['a\nb\u202egnp.exe', 'abgnp.exe'],
    ['..', 'file'],
    ['', 'file'],
  ];
  for (const [name, safe] of table) {
    it(`${JSON.stringify(name)} becomes ${safe}`, () => assert.equal(safeFileName(name), safe));
  }

  it('is cut to what a file system takes, with its extension and whole characters', () => {
    const name = safeFileName(`${'名'.repeat(300)}.txt`);
    assert.ok(new TextEncoder().encode(name).length <= 200);
    assert.match(name, /^名+\.txt$/);
  });

  it('gets a number where there is one already', () => {
    assert.equal(numberedName('a.tar', 1), 'a.tar');
    assert.equal(numberedName('a.tar', 2), 'a-2.tar');
    assert.equal(numberedName('Makefile', 3), 'Makefile-3');
  });
});
