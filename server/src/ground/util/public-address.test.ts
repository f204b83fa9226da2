import assert from 'node:assert/strict';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import {
  checkDestination,
  type DestinationPolicy,
  DestinationRefused,
  isPrivateName,
  isPublicAddress,
  publicLookup,
  type Resolve,
} from './public-address.ts';

const names: Record<string, string[]> = {
  'public.example': ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946'],
  'private.example': ['10.1.2.3'],
  'mixed.example': ['93.184.216.34', '127.0.0.1'],
  'metadata.example': ['169.254.169.254'],
  'nowhere.example': [],
};

const resolve: Resolve = async (hostname) => {
  const addresses = names[hostname.replace(/\.$/, '')];
  if (addresses === undefined) throw new Error(`ENOTFOUND ${hostname}`);
  return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
};
const strict: DestinationPolicy = { allowedPrivateHosts: [], resolve };

async function refusal(url: string, policy = strict): Promise<string | null> {
  try {
    await checkDestination(url, policy);
    return null;
  } catch (error) {
    assert.ok(error instanceof DestinationRefused, String(error));
    return error.message;
  }
}

describe('checkDestination', () => {
  it('lets URLs through that lead to the internet by https', async () => {
    for (const url of [
      'https://public.example',
      'https://PUBLIC.example:8443/mcp?a=b',
      'https://public.example./',
      'https://93.184.216.34/',
      'https://[2606:2800:220:1:248:1893:25c8:1946]/',
    ]) {
      assert.equal(await refusal(url), null, url);
    }
  });

  it('refuses every way to write an address that is not of the internet', async () => {
    const hosts = [
      ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0x7f.1', '0177.0.0.1', '0177.1', '127.0.0.1.'],
      ...[
        '１２７.0.0.1',
        '127。0。0。1',
        '0',
        '0.0.0.0',
        '10.0.0.1',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.1.1',
      ],
      ...[
        '100.64.0.1',
        '169.254.169.254',
        '169.254.170.2',
        '192.0.0.192',
        '168.63.129.16',
        '100.100.100.200',
        '[::ffff:168.63.129.16]',
        '198.18.0.1',
        '192.0.2.1',
        '203.0.113.7',
      ],
      ...['224.0.0.1', '240.0.0.1', '255.255.255.255', '192.88.99.1'],
      ...['[::]', '[::1]', '[0:0:0:0:0:0:0:1]', '[::ffff:127.0.0.1]', '[::ffff:a9fe:a9fe]', '[::127.0.0.1]'],
      ...[
        '[64:ff9b::7f00:1]',
        '[64:ff9b:1::a00:1]',
        '[2002:7f00:1::]',
        '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
      ],
      ...[
        '[fc00::1]',
        '[fd00:ec2::254]',
        '[fe80::1]',
        '[fec0::1]',
        '[ff02::1]',
        '[2001:db8::1]',
        '[4000::1]',
      ],
      ...['private.example', 'mixed.example', 'metadata.example', 'METADATA.example.'],
    ];
    for (const host of hosts) {
      assert.match((await refusal(`https://${host}/`)) ?? 'let through', /private address/, host);
    }
  });

  it('refuses the addresses that this machine has at the moment, unless they are listed', async () => {
    let own = ['93.184.216.34'];
    const policy = { allowedPrivateHosts: [] as string[], resolve, ownAddresses: () => own };
    assert.match((await refusal('https://public.example/', policy)) ?? '', /private address/);
    assert.match((await refusal('https://93.184.216.34/', policy)) ?? '', /private address/);
    const listed = { ...policy, allowedPrivateHosts: ['93.184.216.34'] };
    assert.equal(await refusal('https://93.184.216.34/', listed), null);
    own = [];
    assert.equal(await refusal('https://93.184.216.34/', policy), null);
  });

  it('refuses what is no https, no URL, nowhere, or holds a password', async () => {
    const cases: [string, RegExp][] = [
      ['http://public.example/', /must begin with https/],
      ['ftp://public.example/', /must begin with https/],
      ['file:///etc/passwd', /must begin with https/],
      ['gopher://127.0.0.1:70/', /must begin with https/],
      ['https://', /not a URL/],
      ['https://[::1', /not a URL/],
      ['public.example', /not a URL/],
      ['https://nowhere.example/', /no address/],
      ['https://unknown.example/', /cannot be found/],
      ['https://user:word@public.example/', /password/],
      ['https://public.example@127.0.0.1/', /user name/],
    ];
    for (const [url, expected] of cases) assert.match((await refusal(url)) ?? 'let through', expected, url);
  });

  it('lets the operator list names, addresses and ranges, also without https', async () => {
    const policy = (...allowedPrivateHosts: string[]) => ({ allowedPrivateHosts, resolve });
    assert.equal(await refusal('http://private.example/', policy('Private.Example')), null);
    assert.equal(await refusal('http://private.example/', policy('10.0.0.0/8')), null);
    assert.equal(await refusal('http://127.0.0.1:9000/', policy('127.0.0.1')), null);
    assert.equal(await refusal('http://[::ffff:127.0.0.1]/', policy('127.0.0.1')), null);
    assert.equal(await refusal('http://[fd00::7]/', policy('fd00::/8')), null);
    assert.match((await refusal('https://metadata.example/', policy('10.0.0.0/8'))) ?? '', /private address/);
    assert.match((await refusal('https://mixed.example/', policy('10.0.0.0/8'))) ?? '', /private address/);
    assert.match((await refusal('https://not-private.example/', policy('private.example'))) ?? '', /found/);
  });
});

describe('publicLookup', () => {
  it('connects to what it checked, and to nothing when a name has moved to a private address', async () => {
    const target = createServer((_request, response) => response.end('reached')).listen(0, '127.0.0.1');
    await new Promise((done) => target.once('listening', done));
    const { port } = target.address() as AddressInfo;
    // Public when the URL is checked, private when it is connected to: a name under an attacker's control.
    let asked = 0;
    const rebinding: Resolve = async () => [
      { address: asked++ === 0 ? '93.184.216.34' : '127.0.0.1', family: 4 },
    ];
    const policy: DestinationPolicy = { allowedPrivateHosts: [], resolve: rebinding };
    await checkDestination('https://rebinding.example/', policy);
    const connect = async (used: DestinationPolicy): Promise<string> =>
      await new Promise((done) => {
        const options = { port, lookup: publicLookup(used), agent: false };
        get(`http://rebinding.example:${port}/`, options, (response) => {
          response.resume();
          done('reached');
        }).on('error', (error) => done(error.name));
      });
    assert.equal(await connect(policy), 'DestinationRefused');
    assert.equal(await connect({ ...policy, allowedPrivateHosts: ['127.0.0.0/8'] }), 'reached');
    target.close();
  });
});

describe('isPrivateName', () => {
  it('knows names that no public name server has', () => {
    const names = [
      'localhost',
      'db',
      'a.localhost.',
      'printer.local',
      'Metadata.Google.Internal',
      'metadata.goog',
    ];
    for (const name of names) assert.equal(isPrivateName(name), true, name);
    for (const name of ['example.com', 'local.example.com', 'internal.example']) {
      assert.equal(isPrivateName(name), false, name);
    }
  });
});

describe('isPublicAddress', () => {
  it('takes what is no address for private', () => {
    for (const text of ['', 'localhost', '1.2.3', '1.2.3.4.5', 'fe80::1%eth0']) {
      assert.equal(isPublicAddress(text), false, text);
    }
    assert.equal(isPublicAddress('8.8.8.8'), true);
  });
});
