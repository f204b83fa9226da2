import assert from 'node:assert/strict';
import { chown, readdir, readFile } from 'node:fs/promises';
import { after, before, describe, it, type TestContext } from 'node:test';
import { SandboxRecords } from '../../src/engine/isolation/sandbox-records.ts';
import { temporaryDirectory } from '../support/harness.ts';
import { type ServerProcess, startServerProcess, until } from '../support/server-process.ts';

/*
 * An agent that takes over the first process of its sandbox. Where the kernel lets no process into another's memory
 * (kernel.yama.ptrace_scope, proc_mem.force_override) it cannot, and what it would do then is not tried.
 */

const isRoot = process.getuid?.() === 0;
const ORDINARY_USER = 65534;
const users = isRoot ? ([undefined, ORDINARY_USER] as const) : ([undefined] as const);
const program = (await readFile(new URL('../fixtures/take-over.py', import.meta.url))).toString('base64');

const options = { skip: process.arch !== 'x64' && 'the program is for x86-64' };

for (const user of users) {
  describe(`an agent that takes over its sandbox, on a server of ${user ?? 'whoever tests'}`, options, () => {
    const stack = new AsyncDisposableStack();
    let server: ServerProcess;
    let dataDir: string;
    before(async () => {
      dataDir = stack.use(await temporaryDirectory()).path;
      if (user !== undefined) await chown(dataDir, user, user);
      // Should one of them have outlived its server.
      stack.defer(async () => void (await new SandboxRecords(dataDir).endAll()));
      server = stack.use(await start());
    });
    after(async () => await stack.disposeAsync());

    async function start(): Promise<ServerProcess> {
      const env = { GREENROOM_ISOLATION: 'bwrap', GREENROOM_IDLE_TTL: '0' };
      return await startServerProcess({ dataDir, user, env });
    }

    /** @returns the session, in which a command with the word `mark` goes on after that */
    async function takeOver(how: string, mark: string): Promise<string> {
      const command = `echo ${program} | base64 -d > p.py; python3 p.py ${how} > said; setsid sleep ${mark}`;
      return await server.execute({ prompt: `run: ${command}`, allowed_tools: ['Bash'] });
    }

    /** What the program said of itself; skips the test where the kernel refused it. */
    async function isTaken(id: string, test: TestContext): Promise<boolean> {
      let said = '';
      await until('it has tried', async () => {
        const response = await fetch(`${server.url}/sessions/${id}/files/said`);
        said = response.ok ? await response.text() : '';
        return said !== '';
      });
      if (said.startsWith('refused')) test.skip(said);
      return said.startsWith('taken');
    }

    const session = async (id: string) => (await server.request('GET', `/sessions/${id}`)).body;
    const hasEnded = (id: string) => async () => (await session(id)).status !== 'running';
    const newMark = (): string => `3${Math.floor(Math.random() * 1e8)}`;

    for (const how of ['offend', 'flood']) {
      it(`ends its own turn alone: ${how}`, async (test) => {
        const other = await server.execute({ prompt: 'run: sleep 1; uname', allowed_tools: ['Bash'] });
        const mark = newMark();
        const id = await takeOver(how, mark);
        if (!(await isTaken(id, test))) return;
        await until('its turn has ended', hasEnded(id), 60_000);
        assert.equal((await session(id)).turns[0].error.code, 'agent_crashed');
        await until('the other turn has ended', hasEnded(other), 60_000);
        assert.match((await session(other)).turns[0].result.text, /Linux/);
        assert.equal(await running(mark), 0);
      });
    }

    it('ends with its turn', async (test) => {
      const mark = newMark();
      const id = await takeOver('outlive', mark);
      if (!(await isTaken(id, test))) return;
      assert.equal((await server.request('POST', `/cancel/${id}`)).status, 200);
      await until('nothing of it is left', async () => (await running(mark)) === 0);
    });

    it('has ended before the next start of a server that was killed is ready', async (test) => {
      const mark = newMark();
      const id = await takeOver('outlive', mark);
      if (!(await isTaken(id, test))) return;
      await until('it goes on', async () => (await running(mark)) > 0);
      server.kill('SIGKILL');
      await server.exited;
      await until('its sandbox is left by bubblewrap', async () => (await server.processes()).length === 0);
      assert.ok((await running(mark)) > 0, 'it did not outlive the server, so this shows nothing');
      server = stack.use(await start());
      assert.equal(await running(mark), 0);
    });
  });
}

/** How many processes have a word on their command line. */
async function running(word: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return lines.filter((line) => line.split('\0').includes(word)).length;
}
