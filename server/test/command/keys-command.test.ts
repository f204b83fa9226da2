import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Browser, readJson } from '../support/browser.ts';
import { temporaryDirectory } from '../support/harness.ts';
import { type ServerProcess, spawnServer, startServerProcess, until } from '../support/server-process.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const KEY = /^grk_([0-9a-f]{20})_[\w-]{43}\n$/;

describe('greenroom keys', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  before(async () => {
    directory = await temporaryDirectory();
  });
  after(async () => await directory[Symbol.asyncDispose]());

  const keys = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
    await new Promise((resolve) => {
      const env = { HOME: directory.path, PATH: process.env.PATH };
      const all = [main, 'keys', ...args, '--data-dir', directory.path];
      execFile(process.execPath, all, { cwd: directory.path, env }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  const statusWith = async ({ url }: ServerProcess, key: string): Promise<number> =>
    (await fetch(`${url}/sessions`, { headers: { authorization: `Bearer ${key.trim()}` } })).status;

  it('makes, lists, rotates and revokes keys, whether or not the server runs', async () => {
    const first = await keys('create', '--name', 'before the first start', '--scopes', 'sessions:read');
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stdout, KEY);
    assert.match(first.stderr, /before the first start.*shown this once/);
    await using server = await startServerProcess({ dataDir: directory.path });
    assert.equal((await fetch(`${server.url}/sessions`)).status, 401);
    assert.equal(await statusWith(server, first.stdout), 200);

    const second = await keys(
      'create',
      '--name',
      'beside it',
      '--tenant',
      'acme',
      '--expires',
      '30d',
      '--max-queued-turns',
      '3',
    );
    assert.match(second.stdout, KEY, second.stderr);
    assert.equal(await statusWith(server, second.stdout), 200);
    const [, id = ''] = KEY.exec(second.stdout) ?? [];
    const listed = (await keys('list', '--tenant', 'acme')).stdout;
    assert.match(
      listed,
      new RegExp(`^${id}  beside it  sessions:read,sessions:write,approvals  valid until`),
    );
    const rotated = await keys('rotate', id, '--keep', '0');
    assert.match(rotated.stdout, KEY, rotated.stderr);
    assert.equal(await statusWith(server, rotated.stdout), 200);
    await until(
      'the old secret opens nothing',
      async () => (await statusWith(server, second.stdout)) === 401,
    );
    assert.equal((await keys('revoke', id)).code, 0);
    await until('the key opens nothing', async () => (await statusWith(server, rotated.stdout)) === 401);
    assert.match((await keys('list', '--tenant', 'acme')).stdout, /revoked\n$/);
  });

  it('prints a link for a server that runs, which signs in as the operator', async () => {
    await using own = await temporaryDirectory();
    const run = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
      await new Promise((resolve) => {
        const env = { HOME: own.path, PATH: process.env.PATH };
        const all = [main, ...args, '--data-dir', own.path];
        execFile(process.execPath, all, { cwd: own.path, env }, (error, stdout, stderr) => {
          resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
        });
      });
    assert.match((await run('sign-in-link')).stderr, /no server runs/);
    await using server = await startServerProcess({ dataDir: own.path });
    const early = await run('sign-in-link');
    assert.deepEqual([early.code, early.stdout], [1, '']);
    assert.match(early.stderr, /no API keys/);
    await run('keys', 'create', '--name', 'first');
    await until('a key is needed', async () => (await fetch(`${server.url}/sessions`)).status === 401);
    const { stdout } = await run('sign-in-link');
    const [, base, code = ''] = /^(http:\S+)\/console\/sign-in#code=(grc_[\w-]{43})\n$/.exec(stdout) ?? [];
    assert.equal(base, server.url);
    const me = await readJson(await new Browser(server).signIn({ code }));
    assert.equal(me.name, 'signed in at the terminal');
    const proxied = await run('sign-in-link', '--url', 'https://agents.example/greenroom/');
    assert.match(proxied.stdout, /^https:\/\/agents\.example\/greenroom\/console\/sign-in#code=grc_/);
  });

  it('says what is wrong: unknown scopes, tenants and ids', async () => {
    for (const [args, message] of [
      [['create', '--name', 'x', '--scopes', 'root'], /--scopes.*\n.*sessions:read/],
      [['create', '--name', 'x', '--tenant', 'A B'], /--tenant/],
      [['create', '--name', 'x', '--expires', 'soon'], /--expires/],
      [['create', '--name', 'x', '--requests-per-second', 'many'], /--requests-per-second/],
      [['create', '--name', 'x', '--max-active-sessions', '0'], /--max-active-sessions/],
      [['revoke', 'nobody'], /nobody not found/],
    ] as const) {
      const { code, stdout, stderr } = await keys(...args);
      assert.deepEqual([code, stdout], [1, ''], args.join(' '));
      assert.match(stderr, message);
    }
  });
});

/** With the key comes a link that signs in with it, once; and without a terminal no other. */
async function signInByLink(output: string, key: string | undefined): Promise<void> {
  const [, base = '', code = ''] = /(http:\S+)\/console\/sign-in#code=(grc_[\w-]{43})/.exec(output) ?? [];
  assert.equal(code !== '', key !== undefined, output);
  if (key === undefined) return;
  const browser = new Browser({ url: base });
  const me = await readJson(await browser.signIn({ code }));
  assert.equal(me.api_key_id, key.split('_')[1]);
  assert.equal((await new Browser({ url: base }).signIn({ code })).status, 401);
}

describe('the first start of a server that others can reach', () => {
  it('prints an operator key once, and the next one none', async () => {
    await using directory = await temporaryDirectory();
    const env = { GREENROOM_HOST: '0.0.0.0', GREENROOM_ISOLATION: 'none' };
    const start = async (): Promise<string> => {
      const server = spawnServer({ dataDir: directory.path, env });
      let output = '';
      for await (const chunk of server.stdout ?? []) {
        output += chunk;
        if (output.includes('  try  ')) break;
      }
      const [, url = '', port = ''] = /(http:\/\/[\d.]+:(\d+))/.exec(output) ?? [];
      assert.notEqual(url, '', output);
      const get = async (headers = {}): Promise<number> =>
        (await fetch(`http://127.0.0.1:${port}/api-keys`, { headers })).status;
      assert.equal(await get(), 401);
      const [key] = /grk_\w+_[\w-]+/.exec(output) ?? [];
      if (key !== undefined) assert.equal(await get({ 'x-api-key': key }), 200);
      await signInByLink(output, key);
      server.kill('SIGTERM');
      await once(server, 'exit');
      return output;
    };
    assert.equal((await start()).match(/grk_/g)?.length, 1);
    assert.doesNotMatch(await start(), /grk_/);
  });
});
