import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openDataDirectory } from '../../ground/data-directory.ts';
import { identifyDirectory } from '../../ground/util/directory-identity.ts';
import { identify } from './process-identity.ts';
import { SandboxRecords } from './sandbox-records.ts';
import { endStrays, findMarked, MARK_VARIABLE } from './stray-processes.ts';

describe('what an earlier server left running', () => {
  it('is found by what was noted, without a mark, and nobody else is taken for it', async () => {
    using directory = temporaryDirectory();
    const noted = spawn('sleep', ['1000'], { env: { PATH: process.env.PATH } });
    const other = spawn('sleep', ['1000'], { env: { PATH: process.env.PATH } });
    const exited = once(noted, 'exit');
    const records = new SandboxRecords(directory.path);
    records.add(identify(noted.pid ?? 0) ?? assert.fail('it does not run'));
    const { pid: otherPid = 0 } = other;
    const { startedAt } = identify(otherPid) ?? assert.fail('it does not run');
    // One that had the id before, and one of before the machine's last start.
    records.add({ pid: otherPid, startedAt: '1' });
    const owner = identifyDirectory(directory.path);
    const before = `${otherPid}.${startedAt}.${randomUUID()}.${owner}`;
    writeFileSync(join(directory.path, 'sandboxes', before), '');
    const strays = await endStrays({ path: directory.path, mark: randomUUID() });
    assert.deepEqual(strays, { ended: 1, ending: 0 });
    assert.deepEqual(await exited, [null, 'SIGKILL']);
    assert.ok(identify(otherPid));
    assert.deepEqual(readdirSync(join(directory.path, 'sandboxes')), []);
    other.kill();
    await once(other, 'exit');
  });

  it('is left alone by a server on a copy of its data directory', async () => {
    using directory = temporaryDirectory();
    using parent = temporaryDirectory();
    const copy = join(parent.path, 'copy');
    const mark = markOf(directory.path);
    const env = { PATH: process.env.PATH, [MARK_VARIABLE]: `${mark}session/1` };
    const noted = spawn('sleep', ['1000'], { env: { PATH: process.env.PATH } });
    const marked = spawn('sleep', ['1000'], { env });
    new SandboxRecords(directory.path).add(identify(noted.pid ?? 0) ?? assert.fail('it does not run'));
    cpSync(directory.path, copy, { recursive: true });
    assert.deepEqual(await endStrays({ path: copy, mark: markOf(copy) }), { ended: 0, ending: 0 });
    const ended = Promise.all([once(noted, 'exit'), once(marked, 'exit')]);
    assert.deepEqual(await endStrays({ path: directory.path, mark }), { ended: 2, ending: 0 });
    await ended;
  });

  it('stays noted while the kernel cannot end it, and stops no start', async () => {
    using directory = temporaryDirectory();
    const slow = spawn('sleep', ['1000'], { env: { PATH: process.env.PATH } });
    const exited = once(slow, 'exit');
    const records = new SandboxRecords(directory.path);
    records.add(identify(slow.pid ?? 0) ?? assert.fail('it does not run'));
    // No time to end at all.
    assert.deepEqual(await records.endAll(-1), { ended: 0, ending: 1 });
    assert.equal(readdirSync(join(directory.path, 'sandboxes')).length, 1);
    await exited;
    assert.deepEqual(await records.endAll(), { ended: 0, ending: 0 });
    assert.deepEqual(readdirSync(join(directory.path, 'sandboxes')), []);
  });

  it('is found by its mark, with few open files', async () => {
    const mark = randomUUID();
    const marked = spawn('sleep', ['1000'], {
      env: { PATH: process.env.PATH, [MARK_VARIABLE]: `${mark}/x` },
    });
    // One that may open fewer files than there are processes.
    const module = fileURLToPath(new URL('stray-processes.ts', import.meta.url));
    const script = `
      import { findMarked } from ${JSON.stringify(module)};
      console.log(JSON.stringify(await findMarked('${mark}/')));`;
    const limited = 'ulimit -n 60 && exec "$0" --input-type=module -e "$1"';
    const child = spawn('/bin/sh', ['-c', limited, process.execPath, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = (await once(child.stdout, 'data')) as [Buffer];
    assert.deepEqual(JSON.parse(String(output)), [marked.pid]);
    assert.deepEqual(await findMarked(`${mark}/`), [marked.pid]);
    marked.kill();
    await once(marked, 'exit');
  });
});

function temporaryDirectory(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'strays-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

function markOf(path: string): string {
  using directory = openDataDirectory({ path });
  return directory.mark;
}
