import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Answer, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import { SOMEBODY } from '../support/isolation-driver.ts';

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

  /** @returns the session */
  async function run(command: string, options: object): Promise<string> {
    const id = await server.execute({ prompt: `run: ${command}`, allowed_tools: ['Bash'], ...options });
    const { status, error } = await server.ended(id);
    assert.equal(status, 'completed', error ?? '');
    return id;
  }

  it('does not get the git directory of others, whatever it writes into its own .git file', async () => {
    const victim = await repository(join(root, 'victim'));
    git(victim, 'worktree', 'add', '--quiet', '../of-victim', '-b', 'other');
    const cwd = join(root, 'hostile');
    await mkdir(cwd);
    give(victim, join(root, 'of-victim'), cwd);
    const id = await run('true', { cwd });
    for (const pointer of [join(victim, '.git'), join(victim, '.git', 'worktrees', 'of-victim')]) {
      await writeFile(join(cwd, '.git'), `gitdir: ${pointer}\n`);
      // Other options: a new process.
      await run(`ls -a ${victim} > seen 2>&1 || true`, { resume_session_id: id, max_turns: pointer.length });
      assert.match(await readFile(join(cwd, 'seen'), 'utf8'), /No such file or directory/);
    }
  });

  it('does not get what lies above a directory of its own that is called like one of git', async () => {
    const project = join(root, 'project');
    const cwd = join(project, 'checkout');
    const worktrees = join(project, 'worktrees');
    for (const path of [cwd, join(worktrees, 'forged')]) await mkdir(path, { recursive: true });
    await writeFile(join(project, 'neighbour'), '');
    give(project);
    const id = await run('true', { cwd, additional_directories: [worktrees] });
    await writeFile(join(cwd, '.git'), `gitdir: ${worktrees}/forged\n`);
    await writeFile(join(worktrees, 'forged', 'gitdir'), `${cwd}/.git\n`);
    await run('ls .. > seen', { resume_session_id: id, max_turns: 50 });
    assert.deepEqual((await readFile(join(cwd, 'seen'), 'utf8')).trim().split('\n'), [
      'checkout',
      'worktrees',
    ]);
  });
});
