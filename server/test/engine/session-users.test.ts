import assert from 'node:assert/strict';
import { chown, lstat, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SessionUsers } from '../../src/engine/isolation/session-users.ts';
import { temporaryDirectory } from '../support/harness.ts';

const range = { first: 300_000, count: 3 };

describe('the users of sessions', { skip: process.getuid?.() === 0 ? false : 'only root has them' }, () => {
  async function session(root: string, name: string) {
    const [home, workspace] = [join(root, name, 'home'), join(root, name, 'workspace')];
    for (const path of [home, workspace]) await mkdir(path, { recursive: true, mode: 0o700 });
    return { home, workspace };
  }
  const ownerOf = async (path: string | Buffer): Promise<number> => (await lstat(path)).uid;

  it('own all that is in home and workspace, whatever its name, and nothing that a link leads to', async () => {
    await using directory = await temporaryDirectory();
    const made = await session(directory.path, 'one');
    const outside = join(directory.path, 'outside');
    await writeFile(outside, '');
    await mkdir(join(made.workspace, 'deep', 'deeper'), { recursive: true });
    await symlink(outside, join(made.workspace, 'deep', 'link'));
    const oddName = Buffer.concat([
      Buffer.from(join(made.workspace, 'deep', 'deeper/')),
      Buffer.from([0xff, 0xfe]),
    ]);
    await writeFile(oddName, '');
    const { uid } = await new SessionUsers(directory.path, range).give(made, null);
    assert.equal(uid, range.first);
    const given = ['deep', 'deep/deeper', 'deep/link'].map((name) => join(made.workspace, name));
    for (const path of [made.home, made.workspace, ...given, oddName]) assert.equal(await ownerOf(path), uid);
    assert.equal(await ownerOf(outside), 0);
    assert.equal((await lstat(join(directory.path, 'one'))).mode & 0o777, 0o711);
  });

  it('differ from session to session and stay the same, also after a restart', async () => {
    await using directory = await temporaryDirectory();
    const [one, two] = [await session(directory.path, 'one'), await session(directory.path, 'two')];
    const users = new SessionUsers(directory.path, range);
    const first = [await users.give(one, null), await users.give(two, null)].map(({ uid }) => uid);
    assert.equal(new Set(first).size, 2);
    const again = new SessionUsers(directory.path, range);
    assert.deepEqual([(await again.give(one, null)).uid, (await again.give(two, null)).uid], first);
    const third = await again.give(await session(directory.path, 'three'), null);
    assert.ok(!first.includes(third.uid));
    await assert.rejects(again.give(await session(directory.path, 'four'), null), /all 3 user ids/);
  });

  it('come back with the directories of deleted sessions, to one session each', async () => {
    await using directory = await temporaryDirectory();
    const users = new SessionUsers(directory.path, range);
    const uidOf = async (name: string): Promise<number> =>
      (await users.give(await session(directory.path, name), null)).uid;
    const [, two, three] = [await uidOf('one'), await uidOf('two'), await uidOf('three')];
    for (const name of ['two', 'three']) await rm(join(directory.path, name), { recursive: true });
    const next = await Promise.all([uidOf('four'), uidOf('five')]);
    assert.deepEqual(next.toSorted(), [two, three]);
    await rm(join(directory.path, 'one'), { recursive: true });
    const last = await Promise.allSettled(['six', 'seven', 'eight'].map(uidOf));
    assert.deepEqual(last.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected', 'rejected']);
  });

  it('are the owner of a directory that was given, unless that is root', async () => {
    await using directory = await temporaryDirectory();
    const given = await session(directory.path, 'one');
    await chown(given.workspace, 4_321, 0);
    const users = new SessionUsers(directory.path, range);
    assert.deepEqual(await users.give(given, { uid: 4_321, gid: 0 }), { uid: 4_321, gid: 4_321 });
    assert.equal(await ownerOf(given.home), 4_321);
    const ofRoot = await session(directory.path, 'two');
    assert.equal((await users.give(ofRoot, { uid: 0, gid: 0 })).uid, range.first);
    assert.equal(await ownerOf(ofRoot.workspace), 0);
  });
});
