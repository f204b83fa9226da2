import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { type AgentMessage, AgentProcess } from '../../src/engine/agent/agent-process.ts';
import type { AgentChild, IsolationDriver } from '../../src/engine/isolation/driver.ts';
import { noIsolation } from '../../src/engine/isolation/none.ts';
import { HeldDirectory } from '../../src/ground/util/held-directory.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { answerText, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import { until } from '../support/server-process.ts';

const program = fileURLToPath(new URL('../fixtures/hostile-agent.ts', import.meta.url));
const ACT = 'HOSTILE_ACT';

/** Sessions whose `env` says so get a program that speaks in the agent's place; what they started is told. */
function driverWith(started: AgentChild[]): IsolationDriver {
  return {
    ...noIsolation,
    prepare: async (request) => {
      const sandbox = await noIsolation.prepare(request);
      return {
        ...sandbox,
        spawn: (command) => {
          const { [ACT]: act } = command.env;
          const child = sandbox.spawn(
            act === undefined ? command : { ...command, command: process.execPath, args: [program, act] },
          );
          started.push(child);
          return child;
        },
      };
    },
  };
}

/** Every text in it, names too. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, part]) => [name, ...textsIn(part)]);
}

describe('an agent that speaks in the place of its program', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer({ parts: { driver: driverWith([]) } });
  });
  after(async () => await server[Symbol.asyncDispose]());

  const acts: Record<string, RegExp> = {
    'a question twice, once without its request': /of no known shape: request/,
    'a line without an end': /a line of more than 67108864 bytes/,
    'a transcript that is none': /of no known shape: entries/,
    'a result that cannot be made text': /of no known shape: result/,
    'a question on a line within a line': /exited with code 1/,
    'messages of odd shapes': /ended before its turn did/,
    'a message that cannot be written': /nested deeper/,
  };
  for (const [act, reason] of Object.entries(acts)) {
    it(`ends its own turn alone: ${act}`, async () => {
      const other = await server.execute({
        prompt: 'run: cat /proc/sys/kernel/ostype',
        allowed_tools: ['Bash'],
      });
      const id = await server.execute({ prompt: 'hi', env: { [ACT]: act } });
      assert.equal((await server.ended(id)).status, 'error');
      const { turns } = await server.client.sessions.get(id);
      assert.equal(turns.at(-1)?.error?.code, 'agent_crashed');
      assert.match(turns.at(-1)?.error?.message ?? '', reason);
      assert.match(answerText(await server.ended(other)), /Linux/);
    });
  }
});

describe('an agent that never got its process', () => {
  it('gives its sandbox back, and its directories, where the gateway cannot let it in', async () => {
    let [prepared, released] = [0, 0];
    const driver: IsolationDriver = {
      ...noIsolation,
      prepare: async (request) => {
        const sandbox = await noIsolation.prepare(request);
        prepared += 1;
        const release = (): void => {
          released += 1;
          sandbox.release();
        };
        return { ...sandbox, socketPath: '/nonexistent/gateway.sock', release };
      },
    };
    await using server = await startTestServer({ parts: { driver } });
    const id = await server.execute({ prompt: 'hello' });
    const { status, error } = await server.ended(id);
    assert.equal(status, 'error');
    assert.match(error ?? '', /gateway\.sock/);
    assert.deepEqual([prepared, released], [1, 1]);
  });

  it('gives its sandbox back', async () => {
    let released = 0;
    const agent = new AgentProcess({
      sandbox: {
        spawn: () => assert.fail('it must not come so far'),
        release: () => {
          released += 1;
        },
      },
      mark: 'hostile-agent-test',
      requested: {},
      defaultModel: null,
      nameModel: (model) => model,
      cwd: '/',
      environment: { CLAUDE_CONFIG_DIR: '/nowhere' },
      sessionStore: {
        append: async () => {},
        load: async () => {
          throw new Error('the database is away');
        },
      },
      conversation: { id: '8c5f0a6e-1111-4111-8111-111111111111', exists: true },
      asks: null,
      answerClientTool: null,
    });
    const listening = agent.listen(() => assert.fail('nobody says anything'));
    await assert.rejects(listening, /the database is away/);
    assert.equal(released, 1);
  });
});

describe('an agent that says more than is taken', () => {
  it('is read no faster', async () => {
    await using directory = await temporaryDirectory();
    const started: AgentChild[] = [];
    await using workspace = await HeldDirectory.open(directory.path);
    const place = { home: directory.path, temporary: directory.path, workspace };
    const request = {
      ...place,
      isManaged: true,
      additionalDirectories: [],
      egress: null,
      extraCaCerts: null,
    };
    const agent = new AgentProcess({
      sandbox: await driverWith(started).prepare(request),
      mark: 'hostile-agent-test',
      requested: {},
      defaultModel: null,
      nameModel: (model) => model,
      cwd: directory.path,
      environment: { [ACT]: 'much, of which little is read', CLAUDE_CONFIG_DIR: directory.path },
      sessionStore: { append: async () => {}, load: async () => null },
      conversation: { id: '8c5f0a6e-1111-4111-8111-111111111111', exists: false },
      asks: null,
      answerClientTool: null,
    });
    const said = progressOf(started);
    await writeFile(join(directory.path, 'go'), '');
    let taken = 0;
    const take = async (message: AgentMessage): Promise<void> => {
      if ((message as { n?: number }).n === undefined || ++taken !== 1) return;
      await until('it is held up', standsStill(said), 60_000);
      // What is on its way (8), in pipes, and being written.
      assert.ok(said() <= 12, `it said ${said()} messages while one was taken`);
    };
    const failed = Promise.withResolvers<never>();
    let before = Promise.resolve();
    await Promise.race([
      failed.promise,
      agent.listen((message, done) => {
        before = before.then(async () => await take(message)).then(done, failed.reject);
      }),
    ]);
    await before;
    assert.equal(taken, 60);
  });

  it('is read no faster than its messages are stored, and loses none', async () => {
    const started: AgentChild[] = [];
    await using server = await startTestServer({ parts: { driver: driverWith(started) } });
    const env = { [ACT]: 'much, of which little is read' };
    const id = await server.execute({ prompt: 'hi', env, on_interruption: 'end' });
    await until('it was started', async () => started.length > 0, 30_000);
    const said = progressOf(started);
    await server.context.database.db.transaction().execute(async (trx) => {
      await sql`lock table events in share row exclusive mode`.execute(trx);
      await writeFile(join(sessionDirectories(server.config.dataDir, id).workspace, 'go'), '');
      await until('it is held up', standsStill(said), 14_000);
      assert.ok(said() <= 12, `it said ${said()} messages while none was stored`);
    });
    await server.ended(id);
    const { rows } = await sql<{ n: number }>`
      select count(*) as n from events where session_id = ${id} and kind = 'sdk'`.execute(
      server.context.database.db,
    );
    assert.equal(rows[0]?.n, 60);
  });
});

/** How many messages it says that it has said. */
function progressOf(started: AgentChild[]): () => number {
  return () => Number(/said (\d+)$/.exec(started[0]?.stderrTail() ?? '')?.[1] ?? 0);
}

/** Whether a number was the same 20 times in a row. */
function standsStill(read: () => number): () => Promise<boolean> {
  let last = 0;
  let times = 0;
  return async () => {
    times = read() === last && last > 0 ? times + 1 : 0;
    last = read();
    return times >= 20;
  };
}

describe('half of a surrogate pair that an agent says', () => {
  it('comes back as U+FFFD wherever it is shown', async () => {
    await using server = await startTestServer();
    const prompt = String.raw`use Bash {"command": "echo \ud83d half", "description": "cut \ude00"}`;
    const id = await server.execute({ prompt, approvals: 'ask' });
    const { data } = await server.event(id, (found) => found.kind === 'approval');
    const { approval_id } = (data as { approval: { approval_id: string } }).approval;
    const pending = await server.request('GET', '/approvals?status=pending');
    await server.request('POST', `/approvals/${approval_id}`, { decision: 'allow' });
    await server.ended(id);
    const answers = [pending];
    for (const path of [`/sessions/${id}`, `/sessions/${id}/events`, `/status/${id}`, '/approvals'])
      answers.push(await server.request('GET', path));
    for (const { body } of answers) {
      assert.deepEqual(
        textsIn(body).filter((text) => !text.isWellFormed()),
        [],
      );
      assert.ok(textsIn(body).length > 0);
    }
    assert.match(JSON.stringify(pending.body), /echo \ufffd half/);
  });
});

describe('a failure of the Agent SDK that nobody caught', () => {
  it('is given to the agent that it is of, and any other is not', async () => {
    const child = execFile(process.execPath, [
      fileURLToPath(new URL('../fixtures/sdk-failure.ts', import.meta.url)),
    ]);
    let output = '';
    child.stdout?.on('data', (text: string) => {
      output += text;
    });
    await once(child, 'close');
    assert.deepEqual(output.trim().split('\n').sort(), [
      'for nobody: a bug in what the SDK calls',
      'for nobody: a bug of the server',
      "given to one: Cannot read properties of undefined (reading 'subtype')",
    ]);
  });
});
