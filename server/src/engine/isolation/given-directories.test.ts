import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { HeldDirectory } from '../../ground/util/held-directory.ts';
import { mountsOf, requireSafe } from './given-directories.ts';

const isRoot = process.getuid?.() === 0;

describe('the directories that were given to an agent', () => {
  let base: string;
  const stack = new AsyncDisposableStack();
  before(async () => {
    base = await realpath(await mkdtemp(join(tmpdir(), 'given-')));
    await chmod(base, 0o755);
    stack.defer(async () => await rm(base, { recursive: true }));
  });
  after(async () => await stack.disposeAsync());

  async function hold(path: string): Promise<HeldDirectory> {
    await mkdir(path, { recursive: true });
    return stack.use(await HeldDirectory.open(path));
  }

  async function refusal(path: string, around: object = {}): Promise<string | null> {
    const dataDir = join(base, 'data');
    await mkdir(dataDir, { recursive: true });
    const view = { home: '/home/agent', workspace: '/workspace' };
    return await requireSafe(await hold(path), { view, dataDir, readOnlyPaths: [], ...around }).then(
      () => null,
      (error: Error) => error.message,
    );
  }

  it('may lie anywhere but in, or around, the server and the system', async () => {
    assert.equal(await refusal(join(base, 'work')), null);
    for (const path of [
      base,
      join(base, 'data'),
      join(base, 'data', 'sessions'),
      '/',
      '/usr',
      '/var',
      '/proc/self/..',
    ])
      assert.match((await refusal(await realpath(path).catch(() => path))) ?? '', /cannot work in/, path);
  });

  it('may not lie in what the agent changes under the same name', async () => {
    const work = join(base, 'work');
    for (const home of [base, work, join(work, 'agent')]) {
      const view = { home, workspace: '/workspace' };
      assert.match((await refusal(work, { view })) ?? '', /own directory is called/, home);
    }
    assert.equal(await refusal(work, { view: { home: '/home/agent', workspace: work } }), null);
  });

  it('may lie in what agents see read-only, if nobody but root can put a link on the way', async () => {
    const deep = join(base, 'tools', 'team', 'project');
    await mkdir(deep, { recursive: true });
    const readOnlyPaths = [join(base, 'tools')];
    assert.equal(await refusal(dirname(deep), { readOnlyPaths }), null);
    if (isRoot) assert.equal(await refusal(deep, { readOnlyPaths }), null);
    if (isRoot) await chown(join(base, 'tools'), 12_345, 12_345);
    assert.match((await refusal(deep, { readOnlyPaths })) ?? '', /could be changed meanwhile/);
  });

  it('are mounted once: what lies in another one is seen through that', async () => {
    const [outer, inner, other] = [join(base, 'outer'), join(base, 'outer', 'inner'), join(base, 'outer2')];
    const workspace = await hold(inner);
    const additionalDirectories = [await hold(other), await hold(outer), await hold(other)];
    const rest = {
      home: '',
      temporary: '',
      egress: null,
      extraCaCerts: null,
      workspace,
      additionalDirectories,
    };
    const seen = (isManaged: boolean): string[] =>
      mountsOf({ ...rest, isManaged }).map(({ seenAs }) => seenAs);
    assert.deepEqual(seen(false), [outer, other]);
    assert.deepEqual(seen(true), [outer, other, '/workspace']);
  });
});
