import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  access,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { isUuid } from '../../src/ground/ids.ts';
import { sessionDirectories, sessionsDirectory } from '../../src/session/directories.ts';
import { copyWorkspace } from '../../src/workspace/copy.ts';
import {
  type Answer,
  answerText,
  startTestServer,
  type TestServer,
  temporaryDirectory,
} from '../support/harness.ts';

const run = promisify(execFile);

describe('the workspace of a fork', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let root: string;
  before(async () => {
    root = await realpath(stack.use(await temporaryDirectory()).path);
    server = stack.use(await startTestServer({ config: { workspaceRoots: [root] } }));
  });
  after(async () => await stack.disposeAsync());

  const workspaceOf = (id: string): string => sessionDirectories(server.config.dataDir, id).workspace;
  const ended = async (prompt: string, options: object = {}): Promise<string> => {
    const id = await server.execute({ prompt, permission_mode: 'acceptEdits', ...options });
    await server.ended(id);
    return id;
  };
  const fork = async (id: string, body: object = {}): Promise<string> => {
    const forked = await server.request('POST', `/sessions/${id}/fork`, body);
    assert.equal(forked.status, 201, JSON.stringify(forked.body));
    return forked.body.session_id;
  };
  /** A fork that fails leaves neither a session nor files behind. */
  const refused = async (id: string): Promise<Answer> => {
    const count = async () => [
      (await readdir(sessionsDirectory(server.config.dataDir))).filter(isUuid).length,
      (await server.request('GET', '/sessions/?limit=1000')).body.length,
    ];
    const before = await count();
    const answer = await server.request('POST', `/sessions/${id}/fork`, { prompt: 'hello' });
    assert.deepEqual(await count(), before);
    return answer;
  };

  it('is a copy: what one session changes the other does not see', async () => {
    const id = await ended('create a file note.txt with hello');
    const copy = await fork(id, { prompt: 'create a file note.txt with changed' });
    await server.ended(copy);
    assert.equal(await readFile(join(workspaceOf(id), 'note.txt'), 'utf8'), 'hello');
    assert.equal(await readFile(join(workspaceOf(copy), 'note.txt'), 'utf8'), 'changed');
  });

  it('is where the agent remembers its files to be', async () => {
    const id = await ended('create a file note.txt with hello');
    const copy = await fork(id);
    const { rows } = await server.context.database.pool.query(
      "select entry::text from transcripts where session_id = $1 and entry::text like '%note.txt%'",
      [copy],
    );
    assert.ok(rows.some(({ entry }) => entry.includes(join(workspaceOf(copy), 'note.txt'))));
    assert.ok(rows.every(({ entry }) => !entry.includes(workspaceOf(id))));
  });

  it('is copied while the agent works in it', async () => {
    const script =
      'until [ -e go ]; do echo x > a; rm -f a b; mkdir -p d/e; mv d f; rm -r f; echo x > b; done';
    const id = await server.execute({ prompt: `run: ${script}`, allowed_tools: ['Bash'] });
    await server.event(id, ({ kind, data }) => kind === 'sdk' && JSON.stringify(data).includes('tool_use"'));
    await writeFile(join(workspaceOf(id), 'stays'), 'here');
    const copies = await Promise.all([fork(id), fork(id), fork(id)]);
    await writeFile(join(workspaceOf(id), 'go'), '');
    assert.equal((await server.ended(id)).status, 'completed');
    for (const copy of copies) assert.equal(await readFile(join(workspaceOf(copy), 'stays'), 'utf8'), 'here');
  });

  it('is the same directory where the session was given one', async () => {
    const directory = join(root, 'given');
    await mkdir(directory);
    const id = await ended('create a file note.txt with hello', { cwd: directory });
    const copy = await fork(id, { prompt: 'read note.txt' });
    assert.match(answerText(await server.ended(copy)), /hello/);
    assert.equal((await server.request('GET', `/sessions/${copy}`)).body.cwd, directory);
  });

  it('cannot be another one', async () => {
    const id = await ended('hello');
    const request = { prompt: 'hello', resume_session_id: id, fork_session: true, cwd: root };
    const answer = await server.request('POST', '/execute/', request);
    assert.deepEqual([answer.status, answer.body.errors[0].field], [422, 'cwd']);
  });

  it('is missing on a node that has not got it: the fork is refused', async () => {
    const id = await ended('hello');
    await rm(workspaceOf(id), { recursive: true });
    const answer = await refused(id);
    assert.deepEqual([answer.status, answer.body.code], [409, 'workspace_elsewhere']);
  });

  it('is not what a link in its place points to', async () => {
    const id = await ended('hello');
    await rm(workspaceOf(id), { recursive: true });
    await symlink(root, workspaceOf(id));
    const answer = await refused(id);
    assert.deepEqual([answer.status, answer.body.code], [409, 'workspace_elsewhere']);
  });

  it('is not copied when it is too large', async () => {
    const id = await ended('hello');
    await using file = await open(join(workspaceOf(id), 'large'), 'w');
    await file.truncate(3 * 1024 ** 3);
    const answer = await refused(id);
    assert.deepEqual([answer.status, answer.body.code], [409, 'not_supported']);
  });
});

describe('copying a workspace', () => {
  const stack = new AsyncDisposableStack();
  let root: string;
  before(async () => {
    root = await realpath(stack.use(await temporaryDirectory()).path);
  });
  after(async () => await stack.disposeAsync());

  const made = async (name: string): Promise<{ from: string; to: string }> => {
    const from = join(root, name, 'from');
    await mkdir(from, { recursive: true });
    return { from, to: join(root, name, 'to') };
  };

  it('keeps links as links, and follows none', async () => {
    const { from, to } = await made('links');
    await mkdir(join(root, 'outside'));
    await writeFile(join(root, 'outside', 'secret'), 'secret');
    await symlink(join(root, 'outside'), join(from, 'directory'));
    await symlink(join(root, 'outside', 'secret'), join(from, 'file'));
    await symlink('nowhere', join(from, 'dangling'));
    assert.deepEqual(await copyWorkspace(from, to), []);
    assert.equal(await readlink(join(to, 'directory')), join(root, 'outside'));
    assert.equal(await readlink(join(to, 'file')), join(root, 'outside', 'secret'));
    assert.equal(await readlink(join(to, 'dangling')), 'nowhere');
  });

  it('keeps permissions and times, and names that are not UTF-8', async () => {
    const { from, to } = await made('attributes');
    await mkdir(join(from, 'directory'));
    await writeFile(join(from, 'directory', 'script'), '', { mode: 0o750 });
    await utimes(join(from, 'directory', 'script'), 1_000_000, 1_000_000);
    await utimes(join(from, 'directory'), 2_000_000, 2_000_000);
    await writeFile(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0xff])]), '');
    await copyWorkspace(from, to);
    const script = await lstat(join(to, 'directory', 'script'));
    assert.deepEqual([script.mode & 0o777, script.mtimeMs], [0o750, 1e9]);
    assert.equal((await lstat(join(to, 'directory'))).mtimeMs, 2e9);
    await access(Buffer.concat([Buffer.from(`${to}/`), Buffer.from([0xff])]));
  });

  it('leaves out what is no file, link or directory', async () => {
    const { from, to } = await made('special');
    await run('mkfifo', [join(from, 'pipe')]);
    await writeFile(join(from, 'file'), 'content');
    await copyWorkspace(from, to);
    assert.deepEqual(await readdir(to), ['file']);
  });

  it('stays in the workspace while directories in it become links', async () => {
    const { from, to } = await made('swapped');
    await mkdir(join(root, 'private'));
    await writeFile(join(root, 'private', 'key'), 'secret');
    await mkdir(join(from, 'd'));
    let isOver = false;
    const swap = async (): Promise<void> => {
      while (!isOver) {
        await rename(join(from, 'd'), join(from, 'e'));
        await symlink(join(root, 'private'), join(from, 'd'));
        await rm(join(from, 'd'));
        await rename(join(from, 'e'), join(from, 'd'));
      }
    };
    const swapping = swap();
    for (let n = 0; n < 300; n++) {
      await copyWorkspace(from, `${to}${n}`);
      const found = await lstat(join(`${to}${n}`, 'd')).catch(() => null);
      if (found?.isDirectory()) assert.deepEqual(await readdir(join(`${to}${n}`, 'd')), []);
    }
    isOver = true;
    await swapping;
  });

  it('says 507 storage when the disk is full', async (context) => {
    const { from, to } = await made('full');
    await writeFile(join(from, 'file'), 'x'.repeat(2 * 1024 * 1024));
    await mkdir(to);
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', to]);
    } catch {
      return context.skip('needs the right to mount a file system');
    }
    try {
      await assert.rejects(copyWorkspace(from, to), { code: 'storage' });
    } finally {
      await run('umount', [to]);
    }
  });

  it('refuses a tree that is too deep', async () => {
    const { from, to } = await made('deep');
    await mkdir(join(from, ...Array(110).fill('d')), { recursive: true });
    await assert.rejects(copyWorkspace(from, to), { code: 'not_supported' });
  });

  it('gives null where there is nothing', async () => {
    assert.equal(await copyWorkspace(join(root, 'nothing'), join(root, 'copy')), null);
  });
});
