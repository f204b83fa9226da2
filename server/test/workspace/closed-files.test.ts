import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, lstat, mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { extract } from 'tar-stream';
import { Directory } from '../../src/workspace/directory.ts';
import { startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import { SOMEBODY } from '../support/isolation-driver.ts';
import { type ServerProcess, startServerProcess, until } from '../support/server-process.ts';

const isRoot = process.getuid?.() === 0;
/** `nobody`: PostgreSQL's initdb wants a user with a name. */
const ORDINARY_USER = isRoot ? 65534 : undefined;

async function entriesOf(response: Response): Promise<string[]> {
  const names: string[] = [];
  const archive = Readable.fromWeb(response.body as never).pipe(extract());
  for await (const entry of archive) {
    names.push(entry.header.name);
    entry.resume();
  }
  return names.toSorted();
}

describe('a workspace with files that are closed to the server', () => {
  const stack = new AsyncDisposableStack();
  let server: ServerProcess;
  let id: string;
  let log = '';

  before(async () => {
    const { path: dataDir } = stack.use(await temporaryDirectory());
    if (ORDINARY_USER !== undefined) await chown(dataDir, ORDINARY_USER, ORDINARY_USER);
    const env = { GREENROOM_ISOLATION: 'none' };
    server = stack.use(await startServerProcess({ dataDir, user: ORDINARY_USER, env }));
    server.stderr.on('data', (chunk) => {
      log += chunk;
    });
    const make =
      'mkdir a no half && echo 1 > a/f && echo 2 > no/g && echo 3 > half/h && echo 4 > mute && chmod 000 no mute && chmod 444 half';
    id = await server.execute({ prompt: `run: ${make}`, allowed_tools: ['Bash'] });
    await until('the files are made', async () => (await get('/status')).status === 'completed', 120_000);
  });
  after(async () => await stack.disposeAsync());

  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  const get = async (path: string): Promise<any> => {
    const url = path === '/status' ? `/status/${id}` : `/sessions/${id}${path}`;
    return (await server.request('GET', url)).body;
  };
  const openFiles = async (): Promise<number> => (await readdir(`/proc/${server.pid}/fd`)).length;

  it('is listed with what can be seen, and says what cannot', async () => {
    const { entries, omitted_files } = await get('/files?recursive=true');
    const names = entries.map(({ name }: { name: string }) => name);
    assert.deepEqual(names, ['a', 'a/f', 'half', 'mute', 'no']);
    assert.deepEqual(omitted_files, ['half/h', 'no/']);
  });

  it('is archived likewise', async () => {
    const response = await fetch(`${server.url}/sessions/${id}/archive`);
    assert.equal(response.headers.get('x-omitted-files'), 'half/h, mute, no/');
    assert.deepEqual(await entriesOf(response), ['a/', 'a/f', 'half/']);
  });

  it('is forked likewise', async () => {
    const { status, body } = await server.request('POST', `/sessions/${id}/fork`, { title: 'copy' });
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual(body.omitted_files, ['half/h', 'mute', 'no/']);
    const copy = (await server.request('GET', `/sessions/${body.session_id}/files/a`)).body;
    assert.deepEqual(
      copy.entries.map(({ name }: { name: string }) => name),
      ['f'],
    );
  });

  it('names the path that is closed', async () => {
    for (const path of ['/files/no', '/files/mute', '/archive?path=no']) {
      const { code, detail } = await get(path);
      assert.equal(code, 'file_conflict', path);
      assert.match(detail, /"(no|mute)"/, path);
    }
  });

  it('leaves no descriptor open, whatever is asked for', async () => {
    const ask = async (): Promise<void> => {
      const paths = ['files?recursive=true', 'archive', 'archive?path=no', 'archive?path=mute', 'files/no'];
      for (const path of [...paths, 'files/mute', 'files/a/f', 'changes']) {
        const response = await fetch(`${server.url}/sessions/${id}/${path}`);
        await text(response.body ?? Readable.from([]));
      }
      await fetch(`${server.url}/sessions/${id}/files/a/f`, { method: 'HEAD' });
      await fetch(`${server.url}/sessions/${id}/files/a/f`, { headers: { range: 'bytes=9-' } });
    };
    await ask();
    const before = await openFiles();
    for (let count = 0; count < 30; count++) await ask();
    await until('as many are open as before', async () => (await openFiles()) <= before + 5);
    assert.doesNotMatch(log, /garbage collection/);
  });

  it('is rid of them by DELETE', async () => {
    for (const path of ['no?recursive=true', 'half?recursive=true', 'mute']) {
      const { status, body } = await server.request('DELETE', `/sessions/${id}/files/${path}`);
      assert.equal(status, 200, JSON.stringify(body));
    }
    const { entries, omitted_files } = await get('/files');
    assert.deepEqual([entries.length, omitted_files], [1, []]);
  });
});

describe('a directory that a server of root was told to work in', { skip: !isRoot }, () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;
  let roots: string;

  before(async () => {
    roots = stack.use(await temporaryDirectory()).path;
    await chmod(roots, 0o755);
    server = stack.use(
      await startTestServer({ config: { isolation: 'bwrap', idleTtl: 0, workspaceRoots: [roots] } }),
    );
  });
  after(async () => await stack.disposeAsync());

  /** With a session that has run there. */
  async function given(owner: number, mode: number): Promise<{ cwd: string; id: string }> {
    const cwd = await mkdtemp(join(roots, 'given-'));
    await writeFile(join(cwd, 'key'), 'secret', { mode: 0o600 });
    await writeFile(join(cwd, 'page'), 'public', { mode: 0o644 });
    await mkdir(join(cwd, 'closed'), { mode: 0o700 });
    await writeFile(join(cwd, 'closed', 'file'), 'secret');
    await chown(cwd, owner, owner);
    await chmod(cwd, mode);
    const id = await server.execute({ prompt: 'run: cat key; touch made', allowed_tools: ['Bash'], cwd });
    await server.ended(id);
    return { cwd, id };
  }
  const files = async (method: string, id: string, path: string, body?: string): Promise<number> => {
    const url = `${server.url}/sessions/${id}/files/${path}`;
    const response = await fetch(url, { method, ...(body === undefined ? {} : { body }) });
    await response.arrayBuffer();
    return response.status;
  };

  it('gives a client what the agent may have, and no more: of root, and closed to others', async () => {
    const { cwd, id } = await given(0, 0o755);
    assert.equal(await files('GET', id, 'page'), 200);
    assert.equal(await files('GET', id, 'key'), 409);
    assert.equal(await files('GET', id, 'closed'), 409);
    assert.equal(await files('GET', id, 'closed/file'), 409);
    assert.equal(await files('PUT', id, 'page', 'changed'), 409);
    assert.equal(await files('PUT', id, 'new', 'made'), 409);
    assert.equal(await files('PUT', id, 'new/file', 'made'), 409);
    assert.equal(await files('DELETE', id, 'page'), 409);
    assert.equal(await files('DELETE', id, 'closed?recursive=true'), 409);
    const archive = await fetch(`${server.url}/sessions/${id}/archive`);
    assert.equal(archive.headers.get('x-omitted-files'), 'closed/, key');
    assert.deepEqual(await entriesOf(archive), ['page']);
    assert.deepEqual((await readdir(cwd)).toSorted(), ['closed', 'key', 'page']);
    assert.equal(await readFile(join(cwd, 'page'), 'utf8'), 'public');
  });

  it('lets a client make what the agent may make, and it is the agent who has it', async () => {
    const { cwd, id } = await given(0, 0o777);
    const { uid } = await stat(join(cwd, 'made'));
    assert.notEqual(uid, 0);
    assert.equal(await files('PUT', id, 'new/file', 'made'), 201);
    for (const path of ['new', 'new/file']) assert.equal((await stat(join(cwd, path))).uid, uid, path);
    assert.equal(await files('GET', id, 'key'), 409);
    await chmod(cwd, 0o1777);
    assert.equal(await files('DELETE', id, 'page'), 409);
    assert.equal(await files('PUT', id, 'page', 'changed'), 409);
    assert.equal(await files('DELETE', id, 'new?recursive=true'), 200);
  });

  it('is its owner’s to read and write', async () => {
    const { cwd, id } = await given(SOMEBODY, 0o700);
    assert.equal(await files('GET', id, 'page'), 200);
    assert.equal(await files('GET', id, 'key'), 409);
    assert.equal(await files('PUT', id, 'new', 'made'), 201);
    assert.equal((await stat(join(cwd, 'new'))).uid, SOMEBODY);
    assert.equal(await files('DELETE', id, 'key'), 200);
  });

  it('gives nothing of root away, whatever somebody puts in the place of what was made', async () => {
    const cwd = await mkdtemp(join(roots, 'swapped-'));
    await writeFile(join(cwd, 'secret'), 'secret', { mode: 0o600 });
    await mkdir(join(cwd, 'rootdir'));
    await writeFile(join(cwd, 'rootdir', 'file'), 'secret');
    const ofRoot = new Set<number>();
    for (const name of ['secret', 'rootdir', 'rootdir/file']) ofRoot.add((await stat(join(cwd, name))).ino);
    await chown(cwd, SOMEBODY, SOMEBODY);
    // Takes away what it has replaced, too.
    const swap = `import os
print('ready', flush=True)
while True:
    for stolen, made in (('secret', 'link'), ('rootdir', 'new')):
        try: os.rename(stolen, made)
        except OSError: continue
        os.rename(made, stolen)`;
    const swapping = spawn('python3', ['-c', swap], { cwd, uid: SOMEBODY, gid: SOMEBODY });
    await once(swapping.stdout, 'data');
    await using directory = await Directory.openRoot(cwd, { uid: SOMEBODY, gid: SOMEBODY });
    let made = 0;
    const attempt = async (work: () => Promise<unknown>): Promise<void> =>
      await work().then(
        () => void made++,
        () => {}, // because of who swaps
      );
    for (let round = 0; round < 1_500; round++) {
      await attempt(async () => await directory.createLink('link', Buffer.from('nowhere')));
      await attempt(
        async () => await (await directory.walk(['new'], { create: true }))[Symbol.asyncDispose](),
      );
    }
    swapping.kill('SIGKILL');
    await once(swapping, 'exit');
    assert.ok(made > 100, String(made));
    const names = await readdir(cwd, { recursive: true });
    const found = await Promise.all(names.map(async (name) => await lstat(join(cwd, name))));
    const owners = found.filter(({ ino }) => ofRoot.has(ino)).map(({ uid }) => uid);
    assert.deepEqual(owners, [0, 0, 0]);
  });

  it('makes directories that are the user’s, whatever the umask of the server', async () => {
    const cwd = await mkdtemp(join(roots, 'masked-'));
    await chown(cwd, SOMEBODY, SOMEBODY);
    await using directory = await Directory.openRoot(cwd, { uid: SOMEBODY, gid: SOMEBODY });
    const umask = process.umask(0o077);
    try {
      await using made = await directory.walk(['new'], { create: true });
      assert.deepEqual(await Array.fromAsync(made.names()), []);
    } finally {
      process.umask(umask);
    }
    assert.equal((await stat(join(cwd, 'new'))).uid, SOMEBODY);
  });

  it('shows no change of a file that is closed to the agent', async () => {
    const cwd = await mkdtemp(join(roots, 'checkout-'));
    await chmod(cwd, 0o755);
    await mkdir(join(cwd, '.git'));
    const secret = `secret-${randomUUID()}`;
    await writeFile(join(cwd, 'key'), secret, { mode: 0o600 });
    const id = await server.execute({ prompt: 'hello', cwd });
    await server.ended(id);
    await writeFile(join(cwd, 'key'), `${secret}, changed`);
    const { body } = await server.request('GET', `/sessions/${id}/changes`);
    assert.deepEqual(body.omitted_files, ['key']);
    assert.doesNotMatch(JSON.stringify(body), new RegExp(secret));
  });
});
