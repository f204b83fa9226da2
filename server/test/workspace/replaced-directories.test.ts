import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sessionDirectories } from '../../src/session/directories.ts';
import { startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import { SOMEBODY } from '../support/isolation-driver.ts';

const isRoot = process.getuid?.() === 0;

for (const isolation of ['none', 'bwrap'] as const) {
  describe(`what is left for the next turn, with isolation ${isolation}`, () => {
    const stack = new AsyncDisposableStack();
    let server: TestServer;
    let root: string;

    before(async () => {
      root = stack.use(await temporaryDirectory()).path;
      await chmod(root, 0o755);
      server = stack.use(await startTestServer({ config: { isolation, workspaceRoots: [root] } }));
    });
    after(async () => await stack.disposeAsync());

    async function make(name: string): Promise<string> {
      const path = join(root, name);
      await mkdir(path);
      // Open to users of sessions, too, that have a workspace of their own.
      await chmod(path, 0o777);
      if (isRoot) await chown(path, SOMEBODY, SOMEBODY);
      return path;
    }

    async function start(prompt: string, options: object): Promise<string> {
      const id = await server.execute({ prompt, permission_mode: 'acceptEdits', ...options });
      assert.equal((await server.ended(id)).status, 'completed');
      return id;
    }

    async function goOn(id: string, prompt: string, options: object = {}): Promise<string | null> {
      await server.execute({ prompt, resume_session_id: id, ...options });
      return (await server.ended(id)).error;
    }

    it('is a new process, when the directory was replaced since the last turn', async () => {
      const cwd = await make('job');
      const id = await start('create a file one.txt with 1', { cwd });
      await rename(cwd, `${cwd}.old`);
      await make('job');
      assert.equal(await goOn(id, 'create a file two.txt with 2'), null);
      assert.deepEqual([await readdir(cwd), await readdir(`${cwd}.old`)], [['two.txt'], ['one.txt']]);
    });

    it('is a new process, when another of its directories was replaced', async () => {
      const shared = await make('shared');
      const options = { additional_directories: [shared], allowed_tools: ['Bash'] };
      const id = await start(`run: touch ${shared}/one`, options);
      await rename(shared, `${shared}.old`);
      await make('shared');
      assert.equal(await goOn(id, `run: touch ${shared}/two`), null);
      assert.deepEqual([await readdir(shared), await readdir(`${shared}.old`)], [['two'], ['one']]);
    });

    it('is the process that it had, when nothing was replaced', async () => {
      const cwd = await make('kept');
      const id = await start('run: echo $CLAUDE_CODE_MESSAGING_TOKEN > one', {
        cwd,
        allowed_tools: ['Bash'],
      });
      assert.equal(await goOn(id, 'run: echo $CLAUDE_CODE_MESSAGING_TOKEN > two'), null);
      const [one, two] = await Promise.all(
        ['one', 'two'].map(async (name) => await readFile(join(cwd, name), 'utf8')),
      );
      assert.ok((one ?? '').trim() !== '', 'the process has a token of its own');
      assert.equal(one, two);
    });

    it('is an error that names the directory, when it is gone, or a link', async () => {
      for (const [name, replace] of [
        ['gone', async () => {}],
        ['linked', async (path: string) => await symlink('/usr', path)],
      ] as const) {
        const cwd = await make(name);
        const id = await start('hello', { cwd });
        await rm(cwd, { recursive: true });
        await replace(cwd);
        assert.match(
          String(await goOn(id, 'hello')),
          new RegExp(`working directory ${cwd} does not exist any more`),
        );
      }
    });

    it('is nothing that a shell runs when it starts, and no start is stopped by what was left there', async () => {
      const files = ['.bashrc', '.bash_profile', '.bash_login', '.profile', '.zshenv'];
      const cwd = await make('planted');
      // The agent program asks about such names where it sees them.
      const plant = `for name in ${files.join(' ')}; do echo "echo $name >> ${cwd}/ran" > ~/$name; done`;
      const id = await start(`run: ${plant}`, { cwd, allowed_tools: ['Bash'] });
      const { home } = sessionDirectories(server.config.dataDir, id);
      assert.deepEqual((await readdir(home)).filter((name) => files.includes(name)).sort(), files.toSorted());
      // Other options: a new process.
      assert.equal(await goOn(id, 'run: ls', { max_turns: 50 }), null);
      assert.deepEqual(await readdir(cwd), []);
      assert.deepEqual(
        (await readdir(home)).filter((name) => files.includes(name)),
        [],
      );
      const odd =
        'cd; mkdir bashrc; for name in bashrc; do mv $name .$name; done; ln -s /nowhere .zshrc; chmod 000 .';
      assert.equal(await goOn(id, `run: ${odd}`, { max_turns: 49 }), null);
      assert.equal(await goOn(id, 'run: ls', { max_turns: 48 }), null);
      assert.deepEqual(
        (await readdir(home)).filter((name) => /^\.(bash|zsh)rc$/.test(name)),
        ['.bashrc'],
      );
    });
  });
}
