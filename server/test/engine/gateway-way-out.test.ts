import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { pino } from 'pino';
import { ModelGateway } from '../../src/engine/gateway/gateway.ts';
import { configuredUpstream } from '../../src/engine/gateway/upstream.ts';
import { noProxies, type ProxySettings } from '../../src/ground/util/outgoing-proxy.ts';
import { startOutgoingProxy } from '../support/outgoing-proxy.ts';

const tls = (name: string): Buffer => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url));

describe('the way from the gateway to a model API', () => {
  const api = createServer({ cert: tls('server.pem'), key: tls('server.key.pem') }, (request, response) => {
    request.resume().on('end', () => response.end(`the model, asked as ${request.headers.host}`));
  });
  const trusted = getCACertificates('default');
  let proxy: Awaited<ReturnType<typeof startOutgoingProxy>>;
  const portOf = () => (api.address() as AddressInfo).port;

  before(async () => {
    api.listen(0, '127.0.0.1');
    await once(api, 'listening');
    proxy = await startOutgoingProxy(portOf);
    setDefaultCACertificates([...trusted, tls('ca.pem').toString()]);
  });
  after(() => {
    setDefaultCACertificates(trusted);
    proxy[Symbol.dispose]();
    api.closeAllConnections();
    api.close();
  });

  /** What an agent gets whose gateway asks there, and what the log has of it. */
  async function ask(url: string, proxies: Partial<ProxySettings>, times = 1) {
    const lines: string[] = [];
    await using gateway = new ModelGateway({
      upstream: configuredUpstream({
        anthropicApiKey: 'the-key',
        anthropicAuthToken: null,
        anthropicBaseUrl: url,
        modelIdleTimeout: null,
      }),
      accounts: {
        standing: async () => ({ verdict: 'good' }),
        admit: async () => ({ verdict: 'admitted', requestId: 'r' }),
        settle: () => {},
        settled: async () => {},
      },
      logger: pino({ level: 'warn' }, { write: (line) => lines.push(line) }),
      proxies: { ...noProxies, ...proxies },
    });
    await gateway.start();
    const access = await gateway.admit({
      tenantId: 't',
      sessionId: 's',
      fence: 1,
      socketPath: null,
      allowedHosts: null,
    });
    const answers: string[] = [];
    for (let time = 0; time < times; time++) {
      const response = await fetch(`${access.url}/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': access.token },
        body: '{"model":"m","max_tokens":1}',
      });
      answers.push(`${response.status} ${await response.text()}`);
    }
    // What it says of the answers themselves is not the subject here.
    const warnings = lines.filter((line) => !line.includes('do not say what they used'));
    return { answers, warnings };
  }

  it('leads through the proxy, by a tunnel where the API speaks TLS', async () => {
    const { answers, warnings } = await ask('https://model.example.test', { httpsProxy: proxy.url });
    assert.deepEqual([answers, warnings], [['200 the model, asked as model.example.test'], []]);
    assert.equal(proxy.asked.at(-1), 'CONNECT model.example.test:443');
    const plain = await ask('http://model.example.test:81/api', { httpProxy: proxy.url });
    assert.deepEqual(plain.answers, ['200 by the proxy']);
    assert.equal(proxy.asked.at(-1), 'POST http://model.example.test:81/api/v1/messages');
  });

  it('leads past it to this machine, and to what NO_PROXY names', async () => {
    const count = proxy.asked.length;
    const proxies = { httpsProxy: proxy.url, httpProxy: proxy.url, noProxy: ['.example.test'] };
    const local = await ask(`https://localhost:${portOf()}`, proxies);
    assert.match(local.answers[0] ?? '', /^200 the model/);
    const direct = await ask('https://model.example.test', proxies);
    assert.match(direct.answers[0] ?? '', /^502 .*its name (was not found|could not be looked up)/);
    assert.equal(proxy.asked.length, count);
  });

  it('is told of in the log where it is closed: with the cause, once and not per retry, and without what is secret', async () => {
    const cases: [url: string, proxies: Partial<ProxySettings>, kind: RegExp][] = [
      ['https://model.example.test', { httpsProxy: proxy.withoutPassword }, /the proxy answered 407/],
      [
        'https://model.example.test',
        { httpsProxy: 'http://ada:s3cret@127.0.0.1:1' },
        /the connection was refused/,
      ],
      ['http://127.0.0.1:1', {}, /the connection was refused/],
      [`https://127.0.0.1:${portOf()}`, {}, /its certificate was not accepted/],
      [`http://localhost:${portOf()}`, {}, /the connection was closed/],
    ];
    for (const [url, proxies, kind] of cases) {
      const { answers, warnings } = await ask(url, proxies, 3);
      assert.equal(warnings.length, 1, url);
      const { msg, upstream, err } = JSON.parse(warnings[0] ?? '');
      assert.match(msg, kind);
      assert.equal(upstream, new URL(url).origin);
      assert.ok(err.message.length > 0);
      assert.doesNotMatch(warnings.join(), /s3cret|the-key/);
      for (const answer of answers) {
        assert.match(answer, kind);
        assert.match(answer, /^502 /);
        assert.doesNotMatch(
          answer,
          /example\.test|127\.0\.0\.1|localhost/,
          'clients learn the kind, and no host',
        );
      }
    }
  });
});
