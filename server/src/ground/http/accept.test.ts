import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { acceptedEncodings, prefersHtml } from './accept.ts';

describe('what a client accepts', () => {
  for (const accept of [
    'text/html',
    'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8',
    'application/json;q=0.5, TEXT/HTML; Q=0.6',
    'application/json;q=0, text/html;q=0.1',
  ]) {
    it(`is HTML: ${accept}`, () => assert.equal(prefersHtml(accept), true));
  }
  for (const accept of [
    ...[undefined, '', '*/*', 'text/*', 'application/json', 'text/html, application/json', 'text/html, */*'],
    ...['text/html;q=0', 'text/html;q=nonsense', 'text/html;q=0.5, application/json', 'text/htmlx'],
  ]) {
    it(`is JSON: ${accept}`, () => assert.equal(prefersHtml(accept), false));
  }

  it('names encodings, all by "*", and none by q=0', () => {
    const offered = ['br', 'gzip'];
    assert.deepEqual(acceptedEncodings('gzip, deflate, br', offered), offered);
    assert.deepEqual(acceptedEncodings('*', offered), offered);
    assert.deepEqual(acceptedEncodings('br;q=0, *', offered), ['gzip']);
    assert.deepEqual(acceptedEncodings('identity', offered), []);
    assert.deepEqual(acceptedEncodings(undefined, offered), []);
  });
});
