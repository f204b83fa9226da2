import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { baseOf, insertBase } from './base.ts';

describe('the base of a page of the console', () => {
  for (const path of [
    ...['/console/', '/console/inbox', '/console/sessions/', '/console/sessions/1', '/console/a/b/c'],
    ...['/console//x', '/console/a%2Fb', '/%63onsole/sessions/1'],
  ]) {
    it(`leads a browser from ${path} to /console/, below any prefix`, () => {
      for (const prefix of ['', '/agents', '/very/deep']) {
        const page = new URL(prefix + path, 'http://host.example');
        const home = new URL(baseOf(path), page).pathname.replace('/%63', '/c');
        assert.equal(home, `${prefix}/console/`);
      }
    });
  }

  it('comes first in the head, and is not mistaken by a <header>', () => {
    const html = insertBase('<!doctype html><header></header><HEAD lang="en"><link href="./a">', '../');
    assert.equal(html, '<!doctype html><header></header><HEAD lang="en"><base href="../"><link href="./a">');
  });
});
