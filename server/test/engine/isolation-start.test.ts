import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { chooseIsolation } from '../../src/engine/isolation/choose-driver.ts';
import type { AgentChild, IsolationDriver } from '../../src/engine/isolation/driver.ts';
import { findMarked } from '../../src/engine/isolation/stray-processes.ts';
import { HeldDirectory } from '../../src/ground/util/held-directory.ts';
import { temporaryDirectory } from '../support/harness.ts';
import { isolationChoice } from '../support/isolation-driver.ts';

const TRIES = 12;

describe('a sandbox that is ended while it starts', () => {
  const stack = new AsyncDisposableStack();
  let driver: IsolationDriver;
  let sessions: string;
  before(async () => {
    const directory = stack.use(await temporaryDirectory()).path;
    await chmod(directory, 0o711);
    const choice = await isolationChoice(directory, { mode: 'bwrap' });
    sessions = choice.sessionsDirectory;
    ({ driver } = await chooseIsolation(choice, stack));
  });
  after(async () => await stack.disposeAsync());

  async function start(mark: string): Promise<AgentChild> {
    const place = (name: string): string => join(sessions, mark, name);
    const own = { home: place('home'), temporary: place('tmp') };
    for (const path of [...Object.values(own), place('workspace')])
      await mkdir(path, { recursive: true, mode: 0o711 });
    await using workspace = await HeldDirectory.open(place('workspace'));
    const rest = { workspace, isManaged: true, additionalDirectories: [], egress: null, extraCaCerts: null };
    const sandbox = await driver.prepare({ ...own, ...rest });
    const program = { command: '/bin/sleep', args: ['1000'], cwd: sandbox.view.workspace, env: {} };
    return sandbox.spawn({ ...program, unpacked: null, mark });
  }

  /** Until bubblewrap has made the first process inside, and then as many turns of the event loop. */
  async function inTheMiddle({ pid }: AgentChild, turns: number): Promise<void> {
    while (readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') === '') await immediate();
    for (let turn = 0; turn < turns; turn++) await immediate();
  }

  it('leaves nothing behind', async () => {
    for (let round = 0; round < TRIES; round++) {
      const mark = `destroyed-${round}`;
      const child = await start(mark);
      await inTheMiddle(child, round * 20);
      await child.destroy();
      assert.deepEqual(await findMarked(mark), [], mark);
    }
  });

  it('leaves nothing behind where bubblewrap was killed from outside', async () => {
    for (let round = 0; round < TRIES; round++) {
      const mark = `killed-${round}`;
      const child = await start(mark);
      await inTheMiddle(child, round * 20);
      process.kill(child.pid ?? assert.fail('no process'), 'SIGKILL');
      await child.exited;
      await child.destroy();
      assert.deepEqual(await findMarked(mark), [], mark);
    }
  });
});
