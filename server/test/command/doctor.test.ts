import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { judgeClock } from '../../src/command/doctor/database-check.ts';
import { checkExposure } from '../../src/command/doctor/exposure-check.ts';
import { renderFindings } from '../../src/command/doctor/finding.ts';
import { checkLeftovers } from '../../src/command/doctor/leftovers-check.ts';
import { checkMemory, checkNode, softLimit } from '../../src/command/doctor/machine-checks.ts';
import { judgeProcessMemory } from '../../src/command/doctor/process-memory-check.ts';
import { BIN } from '../../src/ground/removal/remover.ts';
import { createDatabase, temporaryDirectory } from '../support/harness.ts';
import { startOutgoingProxy } from '../support/outgoing-proxy.ts';
import { startServerProcess } from '../support/server-process.ts';

const main = fileURLToPath(new URL('../../start.js', import.meta.url));

type Said = {
  code: number;
  lines: Map<string, { level: string; text: string }>;
  stdout: string;
  stderr: string;
};

/** What the command says with this environment and no other. */
async function doctor(dataDir: string, env: Record<string, string> = {}): Promise<Said> {
  return await new Promise((resolve) => {
    const args = [main, 'doctor', '--data-dir', dataDir];
    const options = { cwd: '/', env: { HOME: '/', PATH: '/usr/bin:/bin', ...env } };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const entries = stdout
        .trimEnd()
        .split('\n')
        .map((line) => {
          const [, level = '', what = '', text = ''] =
            /^(ok|warn|fail) +(\S+(?: \S+)*?) {2,}(.*)$/.exec(line) ?? [];
          return [what, { level, text }] as const;
        });
      resolve({ code: error === null ? 0 : Number(error.code), lines: new Map(entries), stdout, stderr });
    });
  });
}

describe('greenroom doctor', { concurrency: true }, () => {
  it('names what was deleted long ago and is still on the disk', async () => {
    await using directory = await temporaryDirectory();
    const stuck = join(directory.path, 'sessions', BIN, 'one.of-them');
    assert.equal((await checkLeftovers(directory.path)).level, 'ok');
    await mkdir(stuck, { recursive: true });
    assert.equal((await checkLeftovers(directory.path)).level, 'ok');
    const { level, detail } = await checkLeftovers(directory.path, Date.now() + 3_700_000);
    assert.equal(level, 'warn');
    assert.match(detail, /one\.of-them/);
  });

  it('looks at everything a server needs before it was ever started, and starts nothing', async () => {
    await using directory = await temporaryDirectory();
    const said = await doctor(join(directory.path, 'data'), { GREENROOM_ISOLATION: 'none' });
    assert.equal(said.code, 0, said.stdout + said.stderr);
    for (const what of [
      'node',
      'memory',
      'open files',
      'processes',
      'data',
      'disk',
      'database',
      'memory access',
      'model',
      'address',
    ]) {
      assert.ok(said.lines.has(what), `${what} is missing:\n${said.stdout}`);
    }
    assert.match(said.lines.get('database')?.text ?? '', /its own PostgreSQL 18 runs here/);
    assert.match(said.lines.get('model')?.text ?? '', /demo model/);
    const isolation = said.lines.get('isolation');
    assert.deepEqual([isolation?.level, /none.* — /.test(isolation?.text ?? '')], ['warn', true]);
  });

  it('says whether an agent can reach into the first process of its sandbox, and what closes that', () => {
    const judge = (scope: number | null, commandLine = 'quiet') => judgeProcessMemory({ scope, commandLine });
    for (const scope of [1, 2, 3]) assert.equal(judge(scope).level, 'ok');
    assert.deepEqual([judge(0).level, judge(0).mend?.includes('kernel.yama.ptrace_scope=1')], ['warn', true]);
    assert.deepEqual([judge(null).level, judge(null).mend?.includes('proc_mem')], ['warn', true]);
    assert.equal(judge(null, 'quiet proc_mem.force_override=never\n').level, 'ok');
    assert.equal(judge(0, 'proc_mem.force_override=ptrace').level, 'ok');
    assert.equal(judge(null, 'proc_mem.force_override=always').level, 'warn');
  });

  it('asks a server that runs for its database, and does not disturb it', async () => {
    await using directory = await temporaryDirectory();
    const server = await startServerProcess({ dataDir: directory.path });
    const said = await doctor(directory.path, { GREENROOM_ISOLATION: 'none' });
    assert.equal(said.code, 0, said.stdout + said.stderr);
    assert.match(said.lines.get('data')?.text ?? '', /in use/);
    assert.match(said.lines.get('database')?.text ?? '', /^PostgreSQL 18/);
    assert.equal(said.lines.get('clock')?.level, 'ok');
    assert.match(said.lines.get('address')?.text ?? '', /without a key/);
    assert.equal((await server.request('GET', '/readyz')).status, 200);
    server.kill('SIGTERM');
    await server.exited;
  });

  it('looks at the database that it is given, also at one that no server has used', async () => {
    await using directory = await temporaryDirectory();
    await using database = await createDatabase();
    const env = { DATABASE_URL: database.url, GREENROOM_ISOLATION: 'none' };
    const said = await doctor(directory.path, env);
    assert.equal(said.code, 0, said.stdout + said.stderr);
    assert.match(said.lines.get('database')?.text ?? '', /^PostgreSQL 1\d/);
  });

  it('fails with what to do where the database, the model or the data directory cannot be used', async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, 'file');
    await writeFile(file, '');
    const env = {
      DATABASE_URL: 'postgres://ada:s3cret@127.0.0.1:1/none',
      ANTHROPIC_BASE_URL: await closedPort(),
      GREENROOM_ISOLATION: 'none',
    };
    const said = await doctor(join(directory.path, 'data'), env);
    assert.equal(said.code, 1);
    for (const what of ['database', 'model']) {
      const line = said.lines.get(what);
      assert.deepEqual(
        [line?.level, /ECONNREFUSED.* — check /.test(line?.text ?? '')],
        ['fail', true],
        said.stdout,
      );
    }
    assert.doesNotMatch(said.stdout + said.stderr, /s3cret/);
    const unusable = await doctor(join(file, 'data'), { GREENROOM_ISOLATION: 'none' });
    assert.deepEqual([unusable.code, unusable.lines.get('data')?.level], [1, 'fail']);
  });

  it('tells a model API that is reached from one that refuses the key', async () => {
    await using directory = await temporaryDirectory();
    const api = createServer((request, response) => {
      response.writeHead(request.headers['x-api-key'] === 'right' ? 200 : 401).end('{}');
    }).listen(0, '127.0.0.1');
    await once(api, 'listening');
    const env = {
      ANTHROPIC_BASE_URL: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
      GREENROOM_ISOLATION: 'none',
    };
    const right = await doctor(join(directory.path, 'a'), { ...env, ANTHROPIC_API_KEY: 'right' });
    assert.deepEqual([right.code, right.lines.get('model')?.level], [0, 'ok']);
    const wrong = await doctor(join(directory.path, 'b'), { ...env, ANTHROPIC_API_KEY: 'wrong' });
    assert.deepEqual([wrong.code, wrong.lines.get('model')?.level], [1, 'fail']);
    assert.match(wrong.lines.get('model')?.text ?? '', /refuses the credential.*ANTHROPIC_API_KEY/);
    api.close();
  });

  it('asks a model API as the server would: through a proxy, and by the certificates that it is told to trust', async () => {
    await using directory = await temporaryDirectory();
    const fixture = (name: string) => new URL(`../fixtures/tls/${name}`, import.meta.url);
    const identity = {
      cert: readFileSync(fixture('server.pem')),
      key: readFileSync(fixture('server.key.pem')),
    };
    const api = createTlsServer(identity, (_request, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(api, 'listening');
    const port = () => (api.address() as AddressInfo).port;
    using proxy = await startOutgoingProxy(port);
    const ask = async (ANTHROPIC_BASE_URL: string, env: Record<string, string>) => {
      const base = { ANTHROPIC_BASE_URL, GREENROOM_ISOLATION: 'none' };
      const said = await doctor(join(directory.path, 'data'), { ...base, ...env });
      assert.doesNotMatch(said.stdout + said.stderr, /s3cret/);
      return said.lines.get('model');
    };
    const trust = { NODE_EXTRA_CA_CERTS: fileURLToPath(fixture('ca.pem')) };
    const local = `https://localhost:${port()}`;
    const away = 'https://model.example.test';
    const [trusted, distrusted, through, past] = await Promise.all([
      ask(local, { ...trust, HTTPS_PROXY: proxy.url }),
      ask(local, {}),
      ask(away, { ...trust, HTTPS_PROXY: proxy.url }),
      ask(away, { ...trust, HTTPS_PROXY: proxy.withoutPassword }),
    ]);
    assert.equal(trusted?.level, 'ok', trusted?.text);
    assert.match(distrusted?.text ?? '', /certificate.* — name the CA .*NODE_EXTRA_CA_CERTS/);
    assert.equal(through?.level, 'ok', through?.text);
    assert.match(past?.text ?? '', /through the proxy 127\.0\.0\.1:\d+: .*407.* — check HTTPS_PROXY/);
    api.close();
  });
});

/** Where nothing listens any more. */
async function closedPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

describe('the checks', () => {
  it('judge versions, memory, clocks and limits', () => {
    assert.equal(checkNode('24.0.0').level, 'ok');
    assert.equal(checkNode('22.12.0').level, 'fail');
    assert.equal(checkMemory(8 * 2 ** 30, 8).level, 'ok');
    const tight = checkMemory(2 ** 30, 8);
    assert.deepEqual([tight.level, tight.mend], ['warn', 'lower --max-sessions to 3']);
    assert.equal(judgeClock(-1_500).level, 'ok');
    assert.equal(judgeClock(5_000).level, 'warn');
    const limits =
      'Limit                     Soft Limit           Hard Limit\nMax open files            1024                 4096\nMax processes             unlimited            unlimited\n';
    assert.equal(softLimit(limits, 'Max open files'), 1024);
    assert.equal(softLimit(limits, 'Max processes'), Number.POSITIVE_INFINITY);
    assert.throws(() => softLimit(limits, 'Max wishes'));
  });

  it('warn of keys that travel unencrypted, unless a proxy is trusted', () => {
    const wide = { host: '0.0.0.0', port: 8000, trustProxy: [] };
    assert.equal(checkExposure(wide, true).level, 'warn');
    assert.match(checkExposure(wide, false).detail, /first API key/);
    assert.equal(checkExposure({ ...wide, trustProxy: ['10.0.0.1'] }, true).level, 'ok');
    assert.equal(checkExposure({ ...wide, host: '127.0.0.1' }, false).level, 'ok');
  });

  it('are shown one a line, whatever a message holds', () => {
    const shown = renderFindings([
      { level: 'ok', what: 'node', detail: '24', mend: null },
      { level: 'fail', what: 'database', detail: 'no\n  way', mend: 'mend it' },
    ]);
    assert.equal(shown, 'ok    node      24\nfail  database  no way — mend it\n');
  });
});
