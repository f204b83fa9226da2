import assert from 'node:assert/strict';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createDatabase, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';

describe('the directories that a tenant may work in', () => {
  const stack = new AsyncDisposableStack();
  let root: string;
  let dataDir: string;
  let databaseUrl: string;

  before(async () => {
    root = stack.use(await temporaryDirectory()).path;
    dataDir = stack.use(await temporaryDirectory()).path;
    databaseUrl = stack.use(await createDatabase()).url;
    await chmod(root, 0o755);
    for (const name of ['plain', 'acme', 'every']) await mkdir(join(root, name));
  });
  after(async () => await stack.disposeAsync());

  async function start(workspaceRoots: string[]): Promise<TestServer> {
    return await startTestServer({ dataDir, databaseUrl, config: { workspaceRoots } });
  }

  it('are those of its own and those of all; a plain path is of the tenant default', async () => {
    const roots = [join(root, 'plain'), `acme=${join(root, 'acme')}`, `*=${join(root, 'every')}`];
    await using server = await start(roots);
    const create = async (by: TestServer, body: object): Promise<TestServer> =>
      server.as((await by.request('POST', '/api-keys', body)).body.key);
    const operator = await create(server, { name: 'first', scopes: ['operator'] });
    const key = async (tenant: string): Promise<TestServer> =>
      await create(operator, { name: tenant, tenant, scopes: ['sessions:write'] });
    const may = async (asker: TestServer, field: 'cwd' | 'additional_directories'): Promise<string[]> => {
      const allowed: string[] = [];
      for (const name of ['plain', 'acme', 'every']) {
        const path = join(root, name);
        const { status, body } = await asker.request('POST', '/execute/', {
          prompt: 'hello',
          [field]: field === 'cwd' ? path : [path],
        });
        if (status === 200) allowed.push(name);
        else assert.match(body.errors[0].field, new RegExp(`^${field}`));
      }
      return allowed;
    };
    for (const field of ['cwd', 'additional_directories'] as const) {
      assert.deepEqual(await may(operator, field), ['plain', 'every']);
      assert.deepEqual(await may(await key('acme'), field), ['acme', 'every']);
      assert.deepEqual(await may(await key('other'), field), ['every']);
    }
  });
});

describe('a session whose directory its tenant may not work in any more', () => {
  it('is told so when its agent would start, and so is who asks for its files', async () => {
    await using root = await temporaryDirectory();
    await using data = await temporaryDirectory();
    await using database = await createDatabase();
    const server = async (workspaceRoots: string[]): Promise<TestServer> =>
      await startTestServer({ dataDir: data.path, databaseUrl: database.url, config: { workspaceRoots } });
    let id: string;
    {
      await using open = await server([root.path]);
      id = await open.execute({ prompt: 'hello', cwd: root.path });
      assert.equal((await open.ended(id)).status, 'completed');
    }
    await using narrow = await server([`acme=${root.path}`]);
    for (const place of ['files', 'archive', 'changes']) {
      const { status, body } = await narrow.request('GET', `/sessions/${id}/${place}`);
      assert.deepEqual([status, body.code], [409, 'workspace_elsewhere'], place);
      assert.match(body.detail, /lies outside the directories/);
    }
    await narrow.execute({ prompt: 'hello', resume_session_id: id });
    assert.match(
      String((await narrow.ended(id)).error),
      /lies outside the directories that sessions of the tenant "default" may work in/,
    );
  });
});
