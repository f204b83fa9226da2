import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sessionDirectories } from '../../src/session/directories.ts';
import { SessionDisk } from '../../src/workspace/disk/session-disk.ts';
import { type Answer, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';

const MB = 2 ** 20;

describe('what clients put into sessions', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;

  before(async () => {
    server = stack.use(await startTestServer({ config: { sandboxDisk: 16 * MB, idleTtl: 0 } }));
  });
  after(async () => await stack.disposeAsync());

  async function session(): Promise<string> {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    return id;
  }
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  async function put(id: string, name: string, megabytes: number): Promise<{ status: number; body: any }> {
    const url = `${server.url}/sessions/${id}/files/${name}`;
    const response = await fetch(url, { method: 'PUT', body: Buffer.alloc(megabytes * MB, name) });
    return { status: response.status, body: await response.json() };
  }
  const namesIn = async (id: string): Promise<string[]> =>
    (await server.request('GET', `/sessions/${id}/files`)).body.entries.map(
      ({ name }: { name: string }) => name,
    );

  it('is held to what a session may have; what is too much is taken back', async () => {
    const id = await session();
    assert.equal((await put(id, 'a', 7)).status, 201);
    assert.equal((await put(id, 'b', 7)).status, 201);
    const { status, body } = await put(id, 'c', 7);
    assert.deepEqual([status, body.code], [507, 'storage']);
    assert.match(body.detail, /16 MB/);
    assert.deepEqual(await namesIn(id), ['a', 'b']);
    await server.request('DELETE', `/sessions/${id}/files/a`);
    assert.equal((await put(id, 'c', 7)).status, 201);
  });

  it('is held to it also when it comes at once', async () => {
    const id = await session();
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map(async (name) => await put(id, name, 7)));
    assert.ok(answers.filter(({ status }) => status === 201).length <= 2);
    assert.ok(answers.some(({ status }) => status === 507));
  });

  it('counts in forks: one that would have too much is refused, and leaves nothing', async () => {
    const id = await session();
    const { workspace } = sessionDirectories(server.context.dataDirectory.path, id);
    await writeFile(join(workspace, 'of-the-agent'), Buffer.alloc(17 * MB));
    const { status, body } = await server.request('POST', `/sessions/${id}/fork`, {});
    assert.deepEqual([status, body.code], [507, 'storage']);
  });

  it('counts in snapshots', async () => {
    const id = await session();
    const { workspace } = sessionDirectories(server.context.dataDirectory.path, id);
    const changesWith = async (content: string): Promise<Answer> => {
      await writeFile(join(workspace, 'large'), Buffer.alloc(9 * MB, content));
      return await server.request('GET', `/sessions/${id}/changes`);
    };
    assert.equal((await changesWith('a')).status, 200);
    const { status, body } = await changesWith('b');
    assert.equal(status, 409);
    assert.match(body.detail, /more than 16 MB/);
  });

  it('leaves the last of the disk to the database', async (context) => {
    const directory = await realpath(stack.use(await temporaryDirectory()).path);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'tmpfs', directory], { stdio: 'ignore' });
    } catch {
      return context.skip('needs the right to mount a file system');
    }
    stack.defer(() => void execFileSync('umount', ['-l', directory]));
    const disk = new SessionDisk({ directory, maxBytes: 2 ** 40, meter: null });
    (await disk.open(directory)).take(9 * MB);
    const allowance = await disk.open(directory);
    assert.throws(() => allowance.take(9.6 * MB), { code: 'storage' });
  });
});
