import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Answer, startTestServer, type TestServer, temporaryDirectory } from './harness.ts';
import { SOMEBODY } from './isolation-driver.ts';

const isRoot = process.getuid?.() === 0;
const AUTHOR = ['-c', 'user.name=A', '-c', 'user.email=a@example.com'];

describe('an isolated agent in a checkout whose git directory is elsewhere', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let root: string;
  let outside: string;

  before(async () => {
    root = stack.use(await temporaryDirectory()).path;
    outside = stack.use(await temporaryDirectory()).path;
    for (const path of [root, outside]) await chmod(path, 0o755);
    server = stack.use(await startTestServer({ config: { isolation: 'bwrap', workspaceRoots: [root] } }));
  });
  after(async () => await stack.disposeAsync());

  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', [...AUTHOR, '-c', 'protocol.file.allow=always', ...args], { cwd, encoding: 'utf8' });

  async function repository(path: string, ...options: string[]): Promise<string> {
    await mkdir(path);
    git(path, 'init', '--quiet', '--initial-branch=main', ...options);
    await writeFile(join(path, 'file'), 'hello\n');
    git(path, 'add', '--all');
    git(path, 'commit', '--quiet', '--message=first');
    return path;
  }

  /** Agents of a server that is root run as the owner of their directory. */
  function give(...paths: string[]): void {
    if (isRoot) execFileSync('chown', ['-R', `${SOMEBODY}:${SOMEBODY}`, ...paths]);
  }

  async function ask(cwd: string, options: object = {}): Promise<Answer> {
    const prompt = `run: echo more >> file; git status --short > ../$(basename $PWD).status 2>&1; git status --short | tee seen; git ${AUTHOR.join(' ')} commit --quiet --all --message=second; git log --format=%s | head -1 > last`;
    return await server.request('POST', '/execute/', { prompt, cwd, allowed_tools: ['Bash'], ...options });
  }

  /** What the newest commit is that an agent makes there. */
  async function commitIn(cwd: string, options: object = {}): Promise<string> {
    const { status, body } = await ask(cwd, options);
    assert.equal(status, 200, JSON.stringify(body));
    const ended = await server.ended(body.session_id);
    assert.equal(ended.status, 'completed', ended.error ?? '');
    return (await readFile(join(cwd, 'last'), 'utf8')).trim();
  }

  it('has git in a worktree, and commits', async () => {
    const main = await repository(join(root, 'main'));
    git(main, 'worktree', 'add', '--quiet', '../worktree', '-b', 'other');
    give(main, join(root, 'worktree'));
    assert.equal(await commitIn(join(root, 'worktree')), 'second');
  });

  it('has git in a worktree that lies in its bare repository', async () => {
    const source = await repository(join(root, 'source'));
    git(root, 'clone', '--quiet', '--bare', source, 'bare.git');
    git(join(root, 'bare.git'), 'worktree', 'add', '--quiet', 'tree', 'main');
    give(join(root, 'bare.git'));
    assert.equal(await commitIn(join(root, 'bare.git', 'tree')), 'second');
  });

  it('has git in a submodule', async () => {
    const library = await repository(join(root, 'library'));
    const whole = await repository(join(root, 'whole'));
    git(whole, 'submodule', '--quiet', 'add', library, 'part');
    give(whole);
    assert.equal(await commitIn(join(whole, 'part')), 'second');
  });

  it('is refused with what to add, where the git directory does not say whose it is', async () => {
    const apart = join(root, 'apart.git');
    const checkout = await repository(join(root, 'checkout'), `--separate-git-dir=${apart}`);
    give(apart, checkout);
    const { status, body } = await ask(checkout);
    assert.deepEqual([status, body.errors?.[0].field], [422, 'cwd']);
    assert.match(body.hint, new RegExp(`add ${apart} to additional_directories`));
    assert.equal(await commitIn(checkout, { additional_directories: [apart] }), 'second');
  });

  it('is refused where the git directory lies outside the roots, and the same where there is none', async () => {
    const main = await repository(join(outside, 'main'));
    for (const name of ['stray', 'broken']) git(main, 'worktree', 'add', '--quiet', join(root, name));
    await writeFile(join(root, 'broken', '.git'), `gitdir: ${join(outside, 'nothing')}\n`);
    give(join(root, 'stray'), join(root, 'broken'));
    const answers = await Promise.all(['stray', 'broken'].map(async (name) => await ask(join(root, name))));
    for (const { status, body } of answers) {
      assert.equal(status, 422);
      assert.match(body.hint, /does not exist, or lies outside the directories that sessions may work in/);
    }
  });

  it('does not get the git directory of others, whatever it writes into its own .git file', async () => {
    const victim = await repository(join(root, 'victim'));
    git(victim, 'worktree', 'add', '--quiet', '../of-victim', '-b', 'other');
    const cwd = join(root, 'hostile');
    await mkdir(cwd);
    give(victim, join(root, 'of-victim'), cwd);
    const run = async (command: string, options: object): Promise<void> => {
      const id = await server.execute({ prompt: `run: ${command}`, allowed_tools: ['Bash'], ...options });
      assert.equal((await server.ended(id)).status, 'completed');
      Object.assign(options, { resume_session_id: id });
    };
    const options: { cwd?: string; max_turns?: number } = { cwd };
    await run('true', options);
    delete options.cwd;
    for (const [turn, pointer] of [
      join(victim, '.git'),
      join(victim, '.git', 'worktrees', 'of-victim'),
    ].entries()) {
      await writeFile(join(cwd, '.git'), `gitdir: ${pointer}\n`);
      // Other options: a new process.
      await run(`ls -a ${victim} > seen-${turn} 2>&1 || true`, { ...options, max_turns: 90 - turn });
      assert.match(await readFile(join(cwd, `seen-${turn}`), 'utf8'), /No such file or directory/);
    }
  });
});
