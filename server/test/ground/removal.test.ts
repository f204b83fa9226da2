import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { pino } from 'pino';
import { createSilentLogger } from '../../src/ground/log.ts';
import { emptyDirectory, type Removal } from '../../src/ground/removal/empty-directory.ts';
import { BIN, programArguments, Remover } from '../../src/ground/removal/remover.ts';
import { until } from '../support/server-process.ts';

/** Whom agents of tests run as, where the tests are root: what root may do says little. */
const user = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
const isRoot = 'uid' in user;

describe('deleting what agents left', () => {
  let root: string;

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'greenroom-test-'));
    await chmod(root, 0o777);
  });
  after(async () => {
    execFileSync('chmod', ['-R', 'u+rwX', root]);
    await rm(root, { recursive: true, force: true });
  });

  async function directory(name: string): Promise<string> {
    const path = join(root, name);
    await mkdir(path);
    if (user.uid !== undefined) await chown(path, user.uid, user.gid);
    return path;
  }

  /** By a program of its own, as the user that agents and an ordinary server have in common. */
  function python(code: string, cwd: string): void {
    execFileSync('python3', ['-c', code], { cwd, ...user });
  }

  function start(bin: string): ChildProcess {
    return spawn(process.execPath, programArguments(bin), { ...user, stdio: ['pipe', 'pipe', 'inherit'] });
  }

  async function empty(bin: string): Promise<Removal[]> {
    const child = start(bin);
    const [output] = await Promise.all([text(child.stdout ?? assert.fail()), once(child, 'exit')]);
    return output
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  }

  it('takes closed, read-only and deep directories, links, pipes and names that are no text', async () => {
    const bin = await directory('odd');
    await writeFile(join(root, 'outside'), 'stays');
    await mkdir(join(root, 'outside-too'), { mode: 0o777 });
    await writeFile(join(root, 'outside-too', 'file'), 'stays');
    python(
      `
import os
os.makedirs(b'a/no/\\xff\\xfe'); open(b'a/no/\\xff\\xfe/\\xf0', 'w').close(); os.chmod(b'a/no/\\xff\\xfe', 0o555)
os.chmod('a/no', 0)
os.makedirs('a/mod/m@v1'); open('a/mod/m@v1/m.go', 'w').close(); os.chmod('a/mod/m@v1', 0o555); os.chmod('a/mod', 0o555)
os.symlink('../../outside', 'a/link'); os.symlink('../../outside-too', 'a/directory-link'); os.symlink('.', 'a/loop')
os.mkfifo('a/pipe'); os.chmod('a', 0)
os.mkfifo('pipe'); os.symlink('../outside-too', 'link'); open('file', 'w').close()
os.mkdir('deep'); os.chdir('deep')
for i in range(10000):
    os.mkdir('d'); os.chdir('d')
`,
      bin,
    );
    const removed = await empty(bin);
    assert.deepEqual(removed.map(({ name }) => name).toSorted(), ['a', 'deep', 'file', 'link', 'pipe']);
    assert.ok(
      removed.every(({ kept }) => kept === null),
      JSON.stringify(removed),
    );
    assert.deepEqual(await readdir(bin), []);
    assert.equal(await readFile(join(root, 'outside'), 'utf8'), 'stays');
    assert.equal(await readFile(join(root, 'outside-too', 'file'), 'utf8'), 'stays');
  });

  it('takes 20,000 closed directories and 50,000 files with a heap of 32 MB', async () => {
    const bin = await directory('wide');
    python(
      `
import os
os.makedirs('w/files'); os.makedirs('w/directories')
for i in range(50000): os.mknod('w/files/f%d' % i)
for i in range(20000):
    os.mkdir('w/directories/d%d' % i); os.chmod('w/directories/d%d' % i, 0)
`,
      bin,
    );
    assert.deepEqual(await empty(bin), [{ name: 'w', kept: null }]);
    assert.deepEqual(await readdir(bin), []);
  });

  it('deletes nothing outside while a process swaps directories and links in the tree', async () => {
    const outside = join(root, 'precious');
    await mkdir(outside);
    const files = Array.from({ length: 40 }, (_, index) => `file-${index}`);
    for (const name of files) await writeFile(join(outside, name), name);
    for (let round = 0; round < 25; round++) {
      const bin = await directory(`swapped-${round}`);
      const tree = join(bin, 'tree');
      await mkdir(tree);
      for (let index = 0; index < 15; index++) {
        await mkdir(join(tree, `d${index}`, 'in'), { recursive: true });
        for (const name of files) await writeFile(join(tree, `d${index}`, name), '');
        await symlink(outside, join(tree, `l${index}`));
      }
      const swapping = spawn(
        'python3',
        [
          '-c',
          `
import os
os.chdir('tree')
print('ready', flush=True)
while os.path.exists('../tree'):
    for i in range(15):
        try: os.rename('d%d' % i, 'x%d' % i)
        except OSError: pass
        try: os.rename('l%d' % i, 'd%d' % i)
        except OSError: pass
        try: os.rename('d%d' % i, 'l%d' % i)
        except OSError: pass
        try: os.rename('x%d' % i, 'd%d' % i)
        except OSError: pass
`,
        ],
        { cwd: bin, stdio: ['ignore', 'pipe', 'inherit'] },
      );
      const ended = once(swapping, 'exit');
      await once(swapping.stdout, 'data');
      // As the user of the tests, who could delete what is outside.
      for await (const removal of emptyDirectory(bin, new AbortController().signal)) {
        assert.equal(removal.kept, null);
      }
      await ended;
      assert.deepEqual((await readdir(outside)).toSorted(), files.toSorted(), `round ${round}`);
    }
  });

  it('stops when its server does', async () => {
    const bin = await directory('stopped');
    python("import os\nos.mkdir('w')\nfor i in range(20000): os.mknod('w/f%d' % i)", bin);
    const child = start(bin);
    child.stdin?.end();
    await once(child, 'exit');
    assert.deepEqual(await readdir(bin), ['w']);
  });

  describe('by a server', () => {
    /** What a remover says in its log. */
    function recorder(): { logger: pino.Logger; messages: () => string[] } {
      const lines: string[] = [];
      const logger = pino(
        { level: 'info' },
        { write: (line: string) => void lines.push(JSON.parse(line).msg) },
      );
      return { logger, messages: () => lines };
    }

    it('is done when nobody looks: what was taken away is not there at once', async () => {
      const sessionsDirectory = await directory('sessions');
      await using remover = new Remover({
        sessionsDirectory,
        temporaryDirectory: sessionsDirectory,
        logger: createSilentLogger(),
      });
      await mkdir(join(sessionsDirectory, 'one', 'in'), { recursive: true });
      await chmod(join(sessionsDirectory, 'one'), 0o000);
      await remover.takeSession(join(sessionsDirectory, 'one'));
      await remover.takeSession(join(sessionsDirectory, 'missing'));
      assert.deepEqual(await readdir(sessionsDirectory), [BIN]);
      await remover.settled();
      assert.deepEqual(await readdir(join(sessionsDirectory, BIN)), []);
      assert.deepEqual(remover.left, []);
    });

    it('tells once what stays, and tries again until it is gone', { skip: !isRoot }, async () => {
      const sessionsDirectory = await directory('stuck');
      const { logger, messages } = recorder();
      const options = { sessionsDirectory, temporaryDirectory: sessionsDirectory, logger, retryMs: 50 };
      await using remover = new Remover(options);
      const stuck = join(sessionsDirectory, 'one', 'mounted');
      await mkdir(stuck, { recursive: true });
      await writeFile(join(sessionsDirectory, 'one', 'file'), '');
      await mkdir(join(sessionsDirectory, 'two'));
      execFileSync('mount', ['-t', 'tmpfs', 'none', stuck]);
      await remover.takeSession(join(sessionsDirectory, 'one'));
      await remover.takeSession(join(sessionsDirectory, 'two'));
      await remover.settled();
      const [name = ''] = await readdir(join(sessionsDirectory, BIN));
      const path = join(sessionsDirectory, BIN, name);
      assert.match(name, /^one\./);
      assert.deepEqual(remover.left, [`${path} (EBUSY)`]);
      await until('it was tried again', async () => remover.tries > 2);
      execFileSync('umount', [join(path, (await readdir(path))[0] ?? '')]);
      await until('it is gone', async () => remover.left.length === 0);
      assert.deepEqual(await readdir(join(sessionsDirectory, BIN)), []);
      assert.deepEqual(messages(), [
        'could not delete all of it; will try again',
        'deleted what could not be deleted before',
      ]);
    });
  });
});
