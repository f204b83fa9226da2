import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { safeUrl } from './safe-url.ts';

describe('where a link may lead', () => {
  it('is the web, and mail', () => {
    assert.deepEqual(safeUrl('https://a.example/x?y#z'), {
      href: 'https://a.example/x?y#z',
      target: 'a.example',
    });
    assert.deepEqual(safeUrl('http://127.0.0.1:8000/'), {
      href: 'http://127.0.0.1:8000/',
      target: '127.0.0.1:8000',
    });
    assert.deepEqual(safeUrl('MAILTO:a@b.example'), { href: 'mailto:a@b.example', target: 'a@b.example' });
  });

  const refused = [
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'java\tscript:alert(1)',
    '\x01javascript:alert(1)',
    '\u202ejavascript:alert(1)',
    'javascript&colon;alert(1)',
    'vbscript:msgbox(1)',
    'data:text/html,<script>alert(1)</script>',
    'blob:https://a.example/1',
    'file:///etc/passwd',
    'https:a.example',
    'https:///',
    'https://',
    'http://[::1',
    '//a.example/',
    '/console/settings',
    '#top',
    '',
    'streamdown:incomplete-link',
    'view-source:https://a.example',
    `https://a.example/${'x'.repeat(5_000)}`,
  ];
  for (const address of refused) {
    it(`is not ${JSON.stringify(address).slice(0, 60)}`, () => assert.equal(safeUrl(address), null));
  }

  it('is not told by what stands before an @', () => {
    assert.equal(safeUrl('https://bank.example@evil.example/'), null);
    assert.equal(safeUrl('https://bank.example:443@evil.example/'), null);
  });

  it('is told as it is on the wire: letters that look like others show', () => {
    assert.equal(safeUrl('https://аpple.example/')?.target, 'xn--pple-43d.example');
    assert.equal(safeUrl('https://a.example\\@evil.example/')?.target, 'a.example');
  });
});
