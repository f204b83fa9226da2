import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { proxyAuthorization, proxyFor } from './outgoing-proxy.ts';

const settings = (noProxy: string[] = []) => ({
  httpProxy: 'http://plain.example:3128',
  httpsProxy: 'http://secure.example:3128',
  noProxy,
});
const hostFor = (url: string, noProxy?: string[]) =>
  proxyFor(new URL(url), settings(noProxy))?.hostname ?? null;

describe('the proxy that leads to a URL', () => {
  it('goes by its protocol, and by nothing else', () => {
    assert.equal(hostFor('http://api.example/'), 'plain.example');
    assert.equal(hostFor('https://api.example/'), 'secure.example');
    assert.equal(proxyFor(new URL('https://api.example'), { ...settings(), httpsProxy: null }), null);
  });

  it('is none for this machine', () => {
    for (const host of [
      'localhost',
      'a.localhost',
      'LOCALHOST.',
      '127.0.0.1',
      '127.1',
      '127.9.8.7',
      '[::1]',
      '[::ffff:127.0.0.1]',
    ]) {
      assert.equal(hostFor(`http://${host}:9000/`), null, host);
    }
  });

  it('is none for what NO_PROXY names: a name with all below it, an address, a range, a port', () => {
    const cases: [entry: string, covered: string[], others: string[]][] = [
      ['*', ['https://a.example', 'http://10.0.0.1'], []],
      [
        'example.com',
        ['https://example.com', 'https://a.b.EXAMPLE.com./'],
        ['https://notexample.com', 'https://example.com.org'],
      ],
      ['.example.com', ['https://a.example.com', 'https://example.com'], ['https://example.org']],
      ['*.example.com', ['https://a.example.com'], ['https://example.org']],
      ['Example.Com.', ['https://example.com'], []],
      ['example.com:8443', ['https://example.com:8443'], ['https://example.com', 'http://example.com']],
      ['example.com:443', ['https://example.com'], ['http://example.com']],
      ['10.0.0.0/8', ['http://10.1.2.3'], ['http://11.0.0.1', 'http://a10.example']],
      ['10.1.2.3:80', ['http://10.1.2.3'], ['https://10.1.2.3']],
      ['fd00::/8', ['http://[fd00::7]'], ['http://[fe80::1]']],
      ['fd00::7', ['http://[fd00::7]:8080'], []],
      ['[fd00::7]:8080', ['http://[fd00::7]:8080'], ['http://[fd00::7]']],
    ];
    for (const [entry, covered, others] of cases) {
      for (const url of covered)
        assert.equal(hostFor(url, ['other.example', entry]), null, `${entry} ${url}`);
      for (const url of others) assert.notEqual(hostFor(url, [entry]), null, `${entry} ${url}`);
    }
  });

  it('is told who asks, as its URL says', () => {
    const authorization = (url: string) => proxyAuthorization(new URL(url));
    assert.equal(authorization('http://proxy:1'), null);
    assert.equal(authorization('http://ada:s%40cret@proxy:1'), `Basic ${btoa('ada:s@cret')}`);
  });
});
