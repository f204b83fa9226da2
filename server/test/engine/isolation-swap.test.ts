import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, chown } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../support/harness.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;
const ROUNDS = 40;
const program = fileURLToPath(new URL('../fixtures/swapped-workspace.ts', import.meta.url));

type Seen = { files?: string[]; refused?: string };

/** What sandboxes saw in a directory that became a link to the server's data: between check and start, then all the time. */
async function swap(user: number | undefined): Promise<{ between: Seen; meanwhile: Seen[] }> {
  await using base = await temporaryDirectory();
  await chmod(base.path, 0o755);
  if (user !== undefined) await chown(base.path, user, user);
  const child = spawn(process.execPath, [program, base.path, String(ROUNDS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(user === undefined ? {} : { uid: user, gid: user }),
  });
  const [between, ...meanwhile] = (await text(child.stdout))
    .trim()
    .split('\n')
    .map((line): Seen => JSON.parse(line));
  return { between: between ?? assert.fail('it printed nothing'), meanwhile };
}

for (const user of isRoot ? [undefined, NOBODY] : [undefined]) {
  describe(`a directory that is swapped for a link while agents are started in it, by user ${user ?? 'of the server'}`, () => {
    it('is the one that was checked, or the start is refused: never what the link leads to', async () => {
      const { between, meanwhile } = await swap(user);
      assert.deepEqual(between, { files: ['mine'] });
      assert.equal(meanwhile.length, ROUNDS);
      const seen = meanwhile.flatMap(({ files }) => (files === undefined ? [] : [files]));
      for (const files of seen) assert.deepEqual(files, ['mine']);
      const refused = meanwhile.flatMap((round) => round.refused ?? []);
      for (const message of refused) assert.match(message, /ENOTDIR|leads to|Race condition/);
      assert.ok(refused.length > 0, 'it was swapped at a moment that matters');
    });
  });
}
