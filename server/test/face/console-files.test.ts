import assert from 'node:assert/strict';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';

const SCRIPT = 'console.log("the console");\n';
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; " +
  "connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

async function makeBuild(parent: string): Promise<string> {
  const directory = join(parent, 'dist');
  await mkdir(join(directory, 'assets'), { recursive: true });
  const page =
    '<!doctype html><html lang="en"><head><script src="./theme.js"></script></head><body></body></html>';
  await writeFile(join(directory, 'index.html'), page);
  await writeFile(join(directory, 'theme.js'), '1;');
  await writeFile(join(directory, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(join(directory, 'assets/index-a1b2.js'), SCRIPT);
  await writeFile(join(directory, 'assets/index-a1b2.js.br'), brotliCompressSync(SCRIPT));
  await writeFile(join(directory, 'assets/index-a1b2.js.gz'), gzipSync(SCRIPT));
  await writeFile(join(parent, 'secret.txt'), 'SECRET');
  await symlink('../../secret.txt', join(directory, 'assets/link.txt'));
  await symlink('../..', join(directory, 'assets/up'));
  return directory;
}

type Raw = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer };

/** As it is written: `fetch` would tidy the path up. */
async function raw(server: TestServer, path: string, headers = {}, method = 'GET'): Promise<Raw> {
  const { promise, resolve, reject } = Promise.withResolvers<Raw>();
  const { hostname, port } = new URL(server.url);
  const request = httpRequest({ hostname, port, path, method, headers, agent: false }, async (response) => {
    const body = Buffer.concat(await response.toArray());
    resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
  });
  request.on('error', reject).end();
  return await promise;
}

describe('the files of the console', () => {
  let server: TestServer;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async () => {
    directory = await temporaryDirectory();
    server = await startTestServer({ parts: { consoleDirectory: await makeBuild(directory.path) } });
    // From here on everything else needs a key.
    await server.client.apiKeys.create({ name: 'first', scopes: ['operator'] });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  it('are found from /console by a relative way, which holds below any prefix', async () => {
    const { status, headers } = await raw(server, '/console?x=1');
    assert.deepEqual([status, headers.location], [302, 'console/?x=1']);
    assert.equal((await raw(server, '/console/')).status, 200);
  });

  it('are the page for each path that is no file, with the way back to the console', async () => {
    for (const [path, base] of [
      ['/console/', './'],
      ['/console/index.html', './'],
      ['/console/inbox', './'],
      ['/console/inbox?tab=1/2/3', './'],
      ['/console/sessions/1', '../'],
      ['/console/sessions/1/', '../../'],
      ['/console/sessions/1/files', '../../'],
      ['/console/sessions/a%2Fb', '../'],
    ] as const) {
      const { status, headers, body } = await raw(server, path);
      assert.equal(status, 200, path);
      assert.match(body.toString(), new RegExp(`<head><base href="${base}"><script src="./theme.js">`), path);
      assert.equal(headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(headers['cache-control'], 'no-cache');
      const again = await raw(server, path, { 'if-none-match': headers.etag });
      assert.deepEqual([again.status, again.body.length], [304, 0]);
    }
  });

  it('come compressed as the client takes them, and are kept for ever', async () => {
    for (const [accept, encoding, bytes] of [
      ['gzip, deflate, br, zstd', 'br', brotliCompressSync(SCRIPT)],
      ['gzip', 'gzip', gzipSync(SCRIPT)],
      ['br;q=0, gzip;q=0.5', 'gzip', gzipSync(SCRIPT)],
      ['identity', undefined, Buffer.from(SCRIPT)],
    ] as const) {
      const { headers, body } = await raw(server, '/console/assets/index-a1b2.js', {
        'accept-encoding': accept,
      });
      assert.equal(headers['content-encoding'], encoding);
      assert.ok(body.equals(bytes), accept);
      assert.equal(headers['content-length'], String(bytes.length));
      assert.equal(headers.vary, 'accept-encoding');
      assert.equal(headers['content-type'], 'text/javascript; charset=utf-8');
      assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    }
    const other = await raw(server, '/console/icon.svg', { 'accept-encoding': 'br' });
    assert.deepEqual(
      [other.headers['cache-control'], other.headers['content-encoding']],
      ['no-cache', undefined],
    );
    assert.equal(other.headers['content-type'], 'image/svg+xml; charset=utf-8');
  });

  it('have a strict policy, with nothing inline', async () => {
    for (const path of [
      '/console/',
      '/console/sessions/1',
      '/console/assets/index-a1b2.js',
      '/console/theme.js',
    ]) {
      const { headers } = await raw(server, path);
      assert.equal(headers['content-security-policy'], POLICY);
      assert.equal(headers['x-content-type-options'], 'nosniff');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.match(String(headers['permissions-policy']), /camera=\(\)/);
    }
  });

  it('are looked at and not changed: HEAD has no body, other methods are 405', async () => {
    for (const path of ['/console/', '/console/assets/index-a1b2.js']) {
      const { status, headers, body } = await raw(server, path, {}, 'HEAD');
      assert.deepEqual([status, body.length], [200, 0]);
      assert.ok(Number(headers['content-length']) > 0, path);
    }
    for (const path of ['/console', '/console/', '/console/x', '/console/assets/index-a1b2.js']) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const { status, headers } = await raw(server, path, {}, method);
        assert.equal(status, 405, `${method} ${path}`);
        assert.match(String(headers.allow), /GET/);
      }
    }
  });

  it('are those of the build: a missing one is 404 and never the page', async () => {
    for (const path of [
      '/console/assets/gone-1.js',
      '/console/assets/',
      '/console/assets',
      '/console/assets/x/y',
    ]) {
      const { status, headers, body } = await raw(server, path);
      assert.equal(status, 404, path);
      assert.equal(headers['content-type'], 'application/problem+json');
      assert.equal(JSON.parse(body.toString()).code, 'not_found');
    }
  });

  it('lead nowhere else: not by dots, escapes or links', async () => {
    for (const path of [
      ...['/console/../secret.txt', '/console/..%2fsecret.txt', '/console/..%2Fsecret.txt'],
      ...[
        '/console/%2e%2e/secret.txt',
        '/console/%2e%2e%2fsecret.txt',
        '/console/assets/..%2f..%2f..%2fsecret.txt',
      ],
      ...['/console/..%5csecret.txt', '/console/..%252fsecret.txt', '/console/....//secret.txt'],
      ...[
        '/console/assets/link.txt',
        '/console/assets/up/secret.txt',
        '/console//etc/passwd',
        '/console/%2fetc%2fpasswd',
      ],
      ...['/console/%00', '/console/assets/index-a1b2.js%00.txt', `/console/${'a/'.repeat(3_000)}`],
      ...[`/console/${'a'.repeat(5_000)}`, '/console/assets/%ff', '/console/%'],
    ]) {
      const { status, body } = await raw(server, path);
      assert.ok(status < 500, `${path}: ${status} ${body.toString()}`);
      assert.doesNotMatch(body.toString(), /SECRET|root:/, path);
    }
  });
});

describe('GET /', () => {
  it('sends browsers to the console, and answers everybody else', async () => {
    await using server = await startTestServer();
    for (const [accept, isPage] of [
      ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', true],
      ['text/html', true],
      ['application/json, text/html', false],
      ['application/json', false],
      ['*/*', false],
      [undefined, false],
    ] as const) {
      const { status, headers, body } = await raw(server, '/', accept === undefined ? {} : { accept });
      assert.match(String(headers.vary), /Accept/);
      if (isPage) assert.deepEqual([status, headers.location], [302, 'console/'], accept);
      else assert.deepEqual([status, JSON.parse(body.toString()).name], [200, 'greenroom'], accept);
    }
  });
});

describe('a server whose console was not built', () => {
  it('says how to build it', async () => {
    await using server = await startTestServer({ parts: { consoleDirectory: '/nonexistent/dist' } });
    for (const path of ['/console/', '/console/sessions/1']) {
      const { status, body } = await raw(server, path);
      const problem = JSON.parse(body.toString());
      assert.deepEqual([status, problem.code], [404, 'console_not_built']);
      assert.match(problem.hint, /npm run build --workspace console/);
    }
  });
});

describe('GREENROOM_CORS_ORIGINS=null', () => {
  it('lets a page from a file start agents, with CORS headers and a warning', async () => {
    await using server = await startTestServer({ config: { corsOrigins: ['null'] } });
    const headers = { origin: 'null', 'sec-fetch-site': 'cross-site', 'content-type': 'application/json' };
    const preflight = await fetch(`${server.url}/execute/`, {
      method: 'OPTIONS',
      headers: {
        ...headers,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      },
    });
    assert.equal(preflight.headers.get('access-control-allow-origin'), 'null');
    const answer = await fetch(`${server.url}/execute/`, {
      method: 'POST',
      headers,
      body: '{"prompt": "hello"}',
    });
    assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, 'null']);
    assert.match((await server.client.readiness()).warnings.join(), /any website .* can start agents/);
    const foreign = { ...headers, origin: 'https://evil.example' };
    assert.equal(
      (await fetch(`${server.url}/execute/`, { method: 'POST', headers: foreign, body: '{}' })).status,
      403,
    );
  });

  it('is refused without being listed', async () => {
    await using server = await startTestServer();
    const headers = { origin: 'null', 'content-type': 'application/json' };
    assert.equal(
      (await fetch(`${server.url}/execute/`, { method: 'POST', headers, body: '{}' })).status,
      403,
    );
  });
});
