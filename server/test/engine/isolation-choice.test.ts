import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { chooseIsolation, type IsolationChoice } from '../../src/engine/isolation/choose-driver.ts';
import { StartupError } from '../../src/ground/errors.ts';
import { findProgram } from '../../src/ground/util/find-program.ts';
import { startTestServer, temporaryDirectory } from '../support/harness.ts';
import { isolationChoice, SYSTEM_PATH } from '../support/isolation-driver.ts';
import { spawnServer } from '../support/server-process.ts';

describe('the choice of what agents run inside', () => {
  const stack = new AsyncDisposableStack();
  let directory: string;
  before(async () => {
    directory = stack.use(await temporaryDirectory()).path;
    await chmod(directory, 0o711);
  });
  after(async () => await stack.disposeAsync());

  const choose = async (overrides: Partial<IsolationChoice>) =>
    await chooseIsolation(await isolationChoice(directory, overrides), stack);

  /** A search path on which `name` is this script, and the rest of the chain is what it is. */
  async function pathWith(name: string, script: string | null): Promise<string> {
    const bin = await mkdtemp(join(directory, 'bin-'));
    await chmod(bin, 0o755);
    for (const program of ['bwrap', 'setpriv', 'prlimit', 'du'].filter((other) => other !== name)) {
      await symlink(findProgram(program, SYSTEM_PATH), join(bin, program));
    }
    if (script !== null) await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return bin;
  }

  /** Leaves bubblewrap no user namespace to make. */
  const refusing = async (): Promise<string> =>
    await pathWith(
      'bwrap',
      `exec unshare --user --map-root-user sh -c 'echo 0 >/proc/sys/user/max_user_namespaces; exec ${findProgram('bwrap', SYSTEM_PATH)} "$@"' sh "$@"`,
    );

  it('is bwrap where its self-test passes, for a server that others can reach as well', async () => {
    for (const isLocal of [true, false]) {
      const { driver, selfTest } = await choose({ isLocal });
      assert.equal(driver.name, 'bwrap', JSON.stringify(selfTest));
      assert.equal(selfTest?.ok, true);
    }
  });

  it('has sockets that the kernel takes, however long the path of the data directory is', async () => {
    const dataDir = join(directory, 'long'.repeat(30));
    await mkdir(join(dataDir, 'tmp'), { recursive: true, mode: 0o711 });
    const { driver, selfTest } = await choose({ dataDir, temporaryDirectory: join(dataDir, 'tmp') });
    assert.equal(driver.name, 'bwrap', JSON.stringify(selfTest));
  });

  it('is none without bubblewrap, when only this machine can reach the server: the reason is kept', async () => {
    const { driver, selfTest } = await choose({ searchPath: await pathWith('bwrap', null) });
    assert.equal(driver.name, 'none');
    assert.deepEqual(selfTest, {
      ok: false,
      detail: ['the program bwrap is not installed'],
      hint: 'install bubblewrap',
    });
  });

  it('is none where user namespaces are refused, with what allows them', async () => {
    const { driver, selfTest } = await choose({ searchPath: await refusing() });
    assert.equal(driver.name, 'none');
    assert.match(selfTest?.detail.join() ?? '', /namespace/);
    assert.match(selfTest?.hint ?? '', /max_user_namespaces/);
  });

  it('is none with a bubblewrap that cannot mount what is held open, with the version that can', async () => {
    const bwrap = findProgram('bwrap', SYSTEM_PATH);
    // As versions before 0.10 answer.
    const searchPath = await pathWith(
      'bwrap',
      `options=$(mktemp); cat <&4 >"$options"; if grep -qz -- --bind-fd "$options"; then echo 'bwrap: Unknown option --bind-fd' >&2; exit 1; fi; exec ${bwrap} "$@" 4<"$options"`,
    );
    const { driver, selfTest } = await choose({ searchPath });
    assert.equal(driver.name, 'none');
    assert.match(selfTest?.detail.join() ?? '', /Unknown option --bind-fd/);
    assert.match(selfTest?.hint ?? '', /--bind-fd.*0\.10/);
  });

  it('is refused without bubblewrap where others can reach the server, or when it was asked for', async () => {
    const searchPath = await pathWith('bwrap', null);
    for (const overrides of [{ isLocal: false }, { mode: 'bwrap' as const }]) {
      const error = await choose({ searchPath, ...overrides }).then(
        () => assert.fail('was not refused'),
        (thrown) => thrown,
      );
      assert.ok(error instanceof StartupError);
      assert.match(error.message, /bwrap is not installed/);
      assert.match(error.hint ?? '', /install bubblewrap.*--isolation none/);
    }
  });

  it('is none when that was asked for, wherever the server can be reached from', async () => {
    const { driver, selfTest } = await choose({ mode: 'none', isLocal: false });
    assert.deepEqual([driver.name, selfTest], ['none', null]);
  });

  it('does not take a sandbox for one that lets a process out', async () => {
    // Without a network of its own it has that of the machine.
    const bwrap = findProgram('bwrap', SYSTEM_PATH);
    const searchPath = await pathWith(
      'bwrap',
      `options=$(mktemp); tr '\\0' '\\n' <&4 | grep -v unshare-net | tr '\\n' '\\0' >"$options"; exec ${bwrap} "$@" 4<"$options"`,
    );
    const { driver, selfTest } = await choose({ searchPath });
    assert.equal(driver.name, 'none');
    assert.match(selfTest?.detail.join() ?? '', /it has a network/);
  });

  it('shows on a server without isolation: in its readiness, and in its sessions', async () => {
    await using server = await startTestServer({
      config: { isolation: 'auto' },
      parts: { agentPath: await pathWith('bwrap', null) },
    });
    const { body } = await server.request('GET', '/readyz');
    assert.equal(body.isolation, 'none');
    assert.match(body.warnings.join(), /not isolated.*bwrap is not installed.*install bubblewrap/);
  });

  it('stops a server at its start that others could reach, and says what to do', async () => {
    const dataDir = await mkdtemp(join(directory, 'server-'));
    const PATH = `${await pathWith('bwrap', null)}:${join(process.execPath, '..')}`;
    const server = spawnServer({ dataDir, env: { GREENROOM_HOST: '0.0.0.0', PATH } });
    const output = await text(server.stderr as NodeJS.ReadableStream);
    assert.match(output, /agents cannot be isolated here: the program bwrap is not installed/);
    assert.match(output, /--isolation none/);
    await rm(dataDir, { recursive: true });
  });
});
