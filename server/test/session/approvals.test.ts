import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { listApprovals } from '../../src/session/approval/store.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import type { EventView } from '../../src/session/event/event.ts';
import {
  answerText,
  askedBy,
  findProcesses,
  startTestServer,
  type TestServer,
  temporaryDirectory,
} from '../support/harness.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Approval = any;

describe('an approval', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  const ask = async (prompt: string, options: object = {}): Promise<string> =>
    await server.execute({ prompt, approvals: 'ask', ...options });

  const asked = async (id: string, count = 1): Promise<Approval> => await askedBy(server, id, count);
  const answer = async (approval: Approval, body: object) =>
    await server.request('POST', `/approvals/${approval.approval_id}`, body);
  const fileOf = (id: string, name: string): string =>
    join(sessionDirectories(server.config.dataDir, id).workspace, name);
  const parked = async (id: string): Promise<void> => {
    await server.context.worker.released(id);
  };

  it('that was denied holds where the call is made again and nobody would be asked now, by the mode', async () => {
    const id = await ask('run: echo yes > marker', { park_after_s: 0 });
    const approval = await asked(id);
    await parked(id);
    await server.request('PATCH', `/sessions/${id}`, { permission_mode: 'acceptEdits' });
    await answer(approval, { decision: 'deny', message: 'not that' });
    assert.equal((await server.ended(id)).status, 'completed');
    assert.ok(!existsSync(fileOf(id, 'marker')));
  });

  it('that was denied holds where the call is made again and nobody would be asked now, by a grant', async () => {
    await using directory = await temporaryDirectory();
    const [first, second] = ['first', 'second'].map((name) => join(directory.path, name));
    for (const path of [first, second]) await writeFile(path ?? '', `content of ${path}`);
    const id = await ask(`read ${first} and also read ${second}`, { park_after_s: 0 });
    const calls: Approval[] = [await asked(id, 1), await asked(id, 2)];
    await parked(id);
    const of = (path: string | undefined): Approval => calls.find(({ input }) => input.file_path === path);
    await answer(of(first), { decision: 'deny', message: 'not that one' });
    const granted = { decision: 'allow', scope: 'session', rules: [`Read(/${directory.path}/**)`] };
    assert.equal((await answer(of(second), granted)).status, 200);
    const text = answerText(await server.ended(id));
    assert.ok(!text.includes(`content of ${first}`), text);
    const { events } = await server.client.sessions.events(id, { limit: 1000 });
    assert.ok(JSON.stringify(events).includes(`content of ${second}`));
    assert.ok(!JSON.stringify(events).includes(`content of ${first}`));
  });

  it('of a plan reaches the agent also in another process, with what was changed of it', async () => {
    const id = await ask('plan: first this, then that', { permission_mode: 'plan', park_after_s: 0 });
    const plan = await asked(id);
    assert.equal(plan.kind, 'plan');
    await parked(id);
    const given = { decision: 'allow', updated_input: { plan: 'that alone' } };
    assert.equal((await answer(plan, given)).status, 200);
    assert.equal((await server.ended(id)).status, 'completed');
    const { events } = await server.client.sessions.events(id, { limit: 1000 });
    const text = JSON.stringify(events);
    assert.doesNotMatch(text, /not in plan mode/);
    assert.match(text, /that alone/);
  });

  it('of a client tool reaches the agent also where its session plans by then', async () => {
    const note = { name: 'note', description: 'Takes a note.', input_schema: { type: 'object' } };
    const id = await server.execute({
      prompt: 'use mcp__client__note {}',
      client_tools: [note],
      park_after_s: 0,
    });
    const call = await asked(id);
    await parked(id);
    await server.request('PATCH', `/sessions/${id}`, { permission_mode: 'plan' });
    await answer(call, { result: { content: 'noted by the caller' } });
    assert.match(answerText(await server.ended(id)), /noted by the caller/);
  });

  it('that changed the call changes it where it is made again and nobody would be asked now', async () => {
    const id = await ask('run: echo yes > marker', { park_after_s: 0 });
    const approval = await asked(id);
    await parked(id);
    await server.request('PATCH', `/sessions/${id}`, { permission_mode: 'acceptEdits' });
    await answer(approval, { decision: 'allow', updated_input: { command: 'echo right > marker' } });
    assert.equal((await server.ended(id)).status, 'completed');
    assert.equal(await readFile(fileOf(id, 'marker'), 'utf8'), 'right\n');
  });

  it('lets the call run once it is allowed, and shows everywhere that the session waits', async () => {
    const id = await ask('run: echo yes > marker');
    const approval = await asked(id);
    assert.equal(approval.kind, 'tool');
    assert.equal(approval.tool_name, 'Bash');
    assert.equal(approval.input.command, 'echo yes > marker');
    const session = await server.request('GET', `/sessions/${id}`);
    assert.equal(session.body.waiting_for, 'approval');
    assert.equal(session.body.status, 'running');
    const pending = await server.request('GET', `/approvals?status=pending&session_id=${id}`);
    assert.deepEqual(
      pending.body.approvals.map((found: Approval) => found.approval_id),
      [approval.approval_id],
    );
    const allowed = await answer(approval, { decision: 'allow' });
    assert.equal(allowed.status, 200, JSON.stringify(allowed.body));
    assert.equal(allowed.body.status, 'allowed');
    assert.match(answerText(await server.ended(id)), /I ran/);
    assert.equal(await readFile(fileOf(id, 'marker'), 'utf8'), 'yes\n');
    assert.equal((await server.request('GET', `/sessions/${id}`)).body.waiting_for, null);
  });

  it('tells the model the reason of a denial, and the second to answer who was first', async () => {
    const id = await ask('run: echo no > marker');
    const approval = await asked(id);
    await answer(approval, { decision: 'deny', message: 'not on a Saturday' });
    const second = await answer(approval, { decision: 'allow' });
    assert.equal(second.status, 409);
    assert.equal(second.body.code, 'approval_decided');
    assert.match(second.body.detail, /denied by local/);
    assert.match(answerText(await server.ended(id)), /not on a Saturday/);
    await assert.rejects(readFile(fileOf(id, 'marker')), /ENOENT/);
  });

  it('ends the turn when a denial says so', async () => {
    const id = await ask('run: echo no > marker');
    await answer(await asked(id), { decision: 'deny', message: 'not like this', interrupt: true });
    const status = await server.ended(id);
    assert.deepEqual([status.status, status.error], ['error', 'not like this']);
    const { turns } = (await server.request('GET', `/sessions/${id}`)).body;
    assert.equal(turns[0].error.code, 'interrupted');
  });

  it('runs the call with the input that was given instead', async () => {
    const id = await ask('run: echo wrong > marker');
    await answer(await asked(id), { decision: 'allow', updated_input: { command: 'echo right > marker' } });
    await server.ended(id);
    assert.equal(await readFile(fileOf(id, 'marker'), 'utf8'), 'right\n');
  });

  it('is not answered with an input without anything in it, which the agent program would not use', async () => {
    const id = await ask('run: echo wrong > marker');
    const approval = await asked(id);
    const empty = await answer(approval, { decision: 'allow', updated_input: {} });
    assert.deepEqual([empty.status, empty.body.errors?.[0].field], [422, 'updated_input']);
    assert.equal((await server.client.approvals.get(approval.approval_id)).status, 'pending');
    await answer(approval, { decision: 'deny', message: ' ' });
    assert.match(answerText(await server.ended(id)), /denied/, 'a blank reason is none');
    await assert.rejects(readFile(fileOf(id, 'marker')), /ENOENT/);
  });

  it('with scope "session" is not asked for again, also not after a new process was started', async () => {
    const id = await ask('run: echo one >> marker then run: echo one >> marker');
    await answer(await asked(id), { decision: 'allow', scope: 'session' });
    assert.match(answerText(await server.ended(id)), /I ran/);
    await server.execute({ prompt: 'run: echo one >> marker', resume_session_id: id, max_turns: 5 });
    assert.match(answerText(await server.ended(id)), /I ran/);
    assert.equal(await readFile(fileOf(id, 'marker'), 'utf8'), 'one\none\none\n');
    const { body } = await server.request('GET', `/approvals?session_id=${id}`);
    assert.equal(body.approvals.length, 1);
  });

  it('three at once, from calls side by side, may be answered in any order', async () => {
    await using directory = await temporaryDirectory();
    const files = ['one', 'two', 'three'].map((name) => join(directory.path, name));
    await Promise.all(files.map(async (path) => await writeFile(path, `content of ${path}`)));
    const id = await ask(files.map((path) => `read ${path}`).join(' and also '));
    await asked(id, 3);
    const { body } = await server.request('GET', `/approvals?status=pending&session_id=${id}`);
    assert.equal(body.approvals.length, 3);
    for (const approval of body.approvals) {
      assert.equal((await answer(approval, { decision: 'allow' })).status, 200);
    }
    const text = answerText(await server.ended(id));
    for (const path of files) assert.ok(text.includes(`content of ${path}`), text);
  });

  it('asks a question of the agent, and gives it the answer', async () => {
    const id = await ask('ask me: Which color? red, green or blue');
    const approval = await asked(id);
    assert.equal(approval.kind, 'question');
    assert.equal((await server.request('GET', `/sessions/${id}`)).body.waiting_for, 'question');
    for (const [body, field, message] of [
      [{ decision: 'allow' }, 'decision', /expected \{"answers"/],
      [{ answers: { 'What?': 'x' } }, 'answers.What?', /Which color/],
      [{ answers: {} }, 'answers', /no answer to: Which color/],
      [{ decision: 'yes' }, 'decision', /"allow"\|"deny"/],
      [{ decission: 'deny' }, 'decission', /decision/],
      [{}, 'decision', /exactly one/],
      [{ decision: 'deny', scope: 'once' }, 'scope', /allow/],
      [{ decision: 'allow', scope: 'session', updated_input: {} }, 'scope', /updated_input/],
    ] as const) {
      const unfit = await answer(approval, body);
      assert.equal(unfit.status, 422, JSON.stringify(unfit.body));
      assert.equal(unfit.body.errors[0].field, field);
      assert.match(unfit.body.errors[0].message, message);
    }
    const [{ question }] = approval.input.questions;
    assert.equal((await answer(approval, { answers: { [question]: 'green' } })).status, 200);
    assert.match(answerText(await server.ended(id)), /green/);
  });

  it('shows the plan that is to be approved, and leaves plan mode with it', async () => {
    const id = await ask('plan: first the tests, then the code', { permission_mode: 'plan' });
    const approval = await asked(id);
    assert.equal(approval.kind, 'plan');
    assert.match(approval.plan, /first the tests/);
    await answer(approval, { decision: 'allow' });
    await server.ended(id);
    const { body } = await server.request('GET', `/sessions/${id}`);
    assert.equal(body.options.permission_mode, 'default');
  });

  it('is asked for by a subagent as well', async () => {
    const id = await ask('delegate: run: echo deep > marker', { allowed_tools: ['Agent'] });
    const approval = await asked(id);
    assert.equal(approval.tool_name, 'Bash');
    assert.notEqual(approval.agent_id, null);
    await answer(approval, { decision: 'allow' });
    await server.ended(id);
    assert.equal(await readFile(fileOf(id, 'marker'), 'utf8'), 'deep\n');
  });

  it('releases the agent process while it waits, and the answer brings it back: the tool runs once', async () => {
    const id = await ask('run: echo once >> marker', { park_after_s: 0 });
    const approval = await asked(id);
    await parked(id);
    const { mark } = server.context.dataDirectory;
    assert.deepEqual(await findProcesses(`${mark}${id}/`), []);
    const session = (await server.request('GET', `/sessions/${id}`)).body;
    assert.deepEqual([session.status, session.waiting_for], ['running', 'approval']);
    await answer(approval, { decision: 'allow' });
    assert.match(answerText(await server.ended(id)), /I ran/);
    assert.equal(await readFile(fileOf(id, 'marker'), 'utf8'), 'once\n');
  });

  it('is parked at once after another tool has run, and that one is not run again', async () => {
    const id = await ask('run: echo first >> marker then run: echo second >> marker', { park_after_s: 0 });
    for (const n of [1, 2]) {
      const approval = await asked(id, n);
      await parked(id);
      await answer(approval, { decision: 'allow' });
    }
    assert.match(answerText(await server.ended(id)), /I ran/);
    assert.equal(await readFile(fileOf(id, 'marker'), 'utf8'), 'first\nsecond\n');
  });

  it('costs what its turn has spent, before and after it was parked, and nothing twice', async () => {
    const costs = async (id: string): Promise<{ cost_usd: number; turns: { cost_usd: number }[] }> =>
      (await server.request('GET', `/sessions/${id}`)).body;
    const id = await ask('run: echo yes > marker');
    const first = await asked(id);
    const spent = (await costs(id)).cost_usd;
    assert.ok(spent > 0, 'the model call before the question is paid for');
    await answer(first, { decision: 'allow' });
    const status = await server.ended(id);
    const result = status.messages.findLast((found) => found.type === 'ResultMessage');
    const total_cost_usd = result?.content.total_cost_usd ?? Number.NaN;
    const { turns, cost_usd } = await costs(id);
    assert.ok(Math.abs((turns[0]?.cost_usd ?? 0) - total_cost_usd) < 1e-9);
    assert.ok(Math.abs(cost_usd - total_cost_usd) < 1e-9);

    await server.execute({ prompt: 'run: echo no > marker', resume_session_id: id, park_after_s: 0 });
    const second = await asked(id, 2);
    await parked(id);
    const before = (await costs(id)).cost_usd;
    assert.ok(before > total_cost_usd);
    await answer(second, { decision: 'allow' });
    await server.ended(id);
    const after = await costs(id);
    assert.ok(after.cost_usd > before);
    const sum = after.turns.reduce((total, turn) => total + turn.cost_usd, 0);
    assert.ok(Math.abs(sum - after.cost_usd) < 1e-9);
  });

  it('goes on with the options that its turn began with', async () => {
    const id = await ask('run: echo yes > marker', { park_after_s: 0 });
    const approval = await asked(id);
    await parked(id);
    await server.request('PATCH', `/sessions/${id}`, { approvals: 'deny' });
    await answer(approval, { decision: 'allow' });
    assert.match(answerText(await server.ended(id)), /I ran/);
  });

  it('three at once survive being parked', async () => {
    await using directory = await temporaryDirectory();
    const files = ['one', 'two', 'three'].map((name) => join(directory.path, name));
    await Promise.all(files.map(async (path) => await writeFile(path, `content of ${path}`)));
    const id = await ask(files.map((path) => `read ${path}`).join(' and also '), { park_after_s: 0 });
    await asked(id);
    await parked(id);
    // Those that the agent had asked for when its process ended; the others it asks for when it is back.
    const allowed = new Set<string>();
    const stop = new AbortController();
    const answering = (async () => {
      for (let n = 1; n <= 3; n++) {
        const approval = await asked(id, n);
        allowed.add(approval.input.file_path);
        await answer(approval, { decision: 'allow' });
      }
      stop.abort();
    })();
    const text = answerText(await server.ended(id));
    await answering;
    for (const path of files) assert.ok(text.includes(`content of ${path}`), text);
    assert.equal(allowed.size, 3);
  });

  it('expires: the model reads that nobody answered', async () => {
    const id = await ask('run: echo late > marker', { approval_timeout_s: 1 });
    await asked(id);
    const text = answerText(await server.ended(id));
    assert.match(text, /Nobody answered/);
  });

  it('expires and ends its turn, where the session wants that, parked or not', async () => {
    const end = async (park_after_s: number): Promise<void> => {
      const id = await ask('run: echo late > marker', {
        approval_timeout_s: 1,
        approval_timeout_action: 'end_turn',
        park_after_s,
      });
      await server.ended(id);
      const { body } = await server.request('GET', `/sessions/${id}`);
      assert.equal(body.turns[0].error.code, 'approval_expired');
    };
    await Promise.all([end(0), end(300)]);
  });

  it('is withdrawn when its turn is cancelled, parked or not', async () => {
    for (const park_after_s of [0, 300]) {
      const id = await ask('run: echo no > marker', { park_after_s });
      const approval = await asked(id);
      if (park_after_s === 0) await parked(id);
      await server.request('POST', `/cancel/${id}`);
      await server.ended(id);
      const { body } = await server.request('GET', `/approvals/${approval.approval_id}`);
      assert.equal(body.status, 'withdrawn');
      const late = await answer(approval, { decision: 'allow' });
      assert.equal(late.status, 409);
      await server.execute({ prompt: 'what is 2 + 2?', resume_session_id: id });
      assert.match(answerText(await server.ended(id)), /4/);
    }
  });

  it('that was interrupted does not hold the next turn up', async () => {
    const id = await ask('run: echo no > marker', { park_after_s: 0, timeout_s: 30 });
    await asked(id);
    await server.request('POST', `/sessions/${id}/interrupt`);
    await server.ended(id);
    await server.request('POST', `/sessions/${id}/messages`, { prompt: 'run: sleep 0.3; ls' });
    assert.match(answerText(await server.ended(id)), /I ran/);
    const { turns } = (await server.request('GET', `/sessions/${id}`)).body;
    assert.deepEqual(
      turns.map((turn: { state: string }) => turn.state),
      ['cancelled', 'completed'],
    );
  });

  it('is withdrawn when the agent takes it back: a subagent that asked is stopped, and its turn goes on', async () => {
    const id = await server.execute({
      prompt: 'delegate: run: echo no > marker',
      allowed_tools: ['Agent'],
      approvals: 'ask',
    });
    const asked = await askedBy(server, id);
    assert.notEqual(asked.agent_id, null);
    const { tasks } = (await server.request('GET', `/sessions/${id}/tasks`)).body;
    await server.client.sessions.tasks.stop(id, tasks[0].task_id);
    const isWithdrawn = (event: EventView) => event.kind === 'approval' && event.data.phase === 'withdrawn';
    const { seq } = await server.event(id, isWithdrawn);
    const waitsNoMore = await server.event(
      id,
      (event) => event.seq > seq && event.kind === 'session' && event.data.waiting_for === null,
    );
    assert.ok('status' in waitsNoMore.data && waitsNoMore.data.status === 'running', 'before the turn ends');
    assert.equal((await server.ended(id)).status, 'completed');
    const late = await server.request('POST', `/approvals/${asked.approval_id}`, { decision: 'allow' });
    assert.deepEqual([late.status, late.body.code], [409, 'approval_decided']);
    assert.equal(existsSync(fileOf(id, 'marker')), false);
  });

  it('is not asked for unless the session wants it: the call is denied, and nothing hangs', async () => {
    const id = await server.execute({ prompt: 'run: echo no > marker' });
    assert.match(answerText(await server.ended(id)), /could not run/);
  });

  it('is not asked for where a rule allows how a command begins, which may be more than it seems', async () => {
    const marks = async (rule: string, command: string): Promise<boolean> => {
      const prompt = `use Bash ${JSON.stringify({ command })}`;
      const id = await server.execute({ prompt, allowed_tools: [rule] });
      await server.ended(id);
      return existsSync(fileOf(id, 'marker'));
    };
    const alias = "git -c alias.x='!touch marker' x";
    assert.equal(await marks('Bash(git:*)', alias), true);
    for (const command of [
      alias,
      'git status; touch marker',
      'git status $(touch marker)',
      'git status > marker',
    ]) {
      assert.equal(await marks('Bash(git status:*)', command), false, command);
    }
  });

  it('client tools: the caller runs them, and posts what they gave', async () => {
    const client_tools = [
      { name: 'weather', description: 'the weather', input_schema: { type: 'object' }, read_only: true },
    ];
    const id = await server.execute({
      prompt: 'use mcp__client__weather {"city": "Rome"} and also use mcp__client__weather {"city": "Oslo"}',
      client_tools,
    });
    const first = await asked(id);
    assert.equal(first.kind, 'client_tool');
    assert.equal((await server.request('GET', `/sessions/${id}`)).body.waiting_for, 'tool');
    await asked(id, 2);
    const { body } = await server.request('GET', `/approvals?status=pending&session_id=${id}`);
    for (const approval of body.approvals) {
      const result = { content: `sunny in ${approval.input.city}` };
      assert.equal((await answer(approval, { result })).status, 200);
    }
    const text = answerText(await server.ended(id));
    assert.match(text, /sunny in Rome/);
    assert.match(text, /sunny in Oslo/);
  });

  it('client tools may be denied: the model reads the reason', async () => {
    const client_tools = [{ name: 'weather', description: 'the weather', input_schema: { type: 'object' } }];
    const id = await server.execute({ prompt: 'use mcp__client__weather {"city": "Rome"}', client_tools });
    await answer(await asked(id), { decision: 'deny', message: 'no such city' });
    const text = answerText(await server.ended(id));
    assert.match(text, /no such city/);
    assert.doesNotMatch(text, /hook/);
  });

  it('client tools wait without a process as well', async () => {
    const client_tools = [{ name: 'weather', description: 'the weather', input_schema: { type: 'object' } }];
    const id = await server.execute({
      prompt: 'use mcp__client__weather {"city": "Rome"}',
      client_tools,
      park_after_s: 0,
    });
    const approval = await asked(id);
    await parked(id);
    await answer(approval, { result: { content: 'no weather today', is_error: true } });
    assert.match(answerText(await server.ended(id)), /no weather today/);
  });

  it('is listed in any state, and by kind, without a look at many that are not shown', async () => {
    const { db } = server.context.database;
    await sql`
      with made as (
        insert into sessions (id, tenant_id, status, options, ended_at)
        select gen_random_uuid(), 'busy', 'completed', '{}', now() from generate_series(1, 20) returning id
      )
      insert into approvals (id, session_id, tenant_id, turn_id, kind, tool_name, tool_use_id, input, details, status, expires_at)
      select gen_random_uuid(), id, 'busy', gen_random_uuid(), 'tool', 'Bash', n::text, '{}', '{}', 'allowed', now()
      from made, generate_series(1, 200) n`.execute(db);
    await sql`analyze approvals`.execute(db);
    await db.transaction().execute(async (trx) => {
      const rowsRead = async (): Promise<number> => {
        const { rows } = await sql<{ count: number }>`
          select pg_stat_get_xact_tuples_returned('approvals'::regclass)
            + pg_stat_get_xact_tuples_fetched('approvals'::regclass)
            + sum(pg_stat_get_xact_tuples_fetched(indexrelid)) as count
          from pg_index where indrelid = 'approvals'::regclass`.execute(trx);
        return rows[0]?.count ?? assert.fail();
      };
      const all = { tenantId: 'busy', limit: 50, before: null, status: null, kind: null, sessionId: null };
      assert.equal((await listApprovals(trx, all)).rows.length, 50);
      assert.deepEqual((await listApprovals(trx, { ...all, kind: 'question' })).rows, []);
      // Each of the page twice: for its size, and whole.
      const count = await rowsRead();
      assert.ok(count >= 50 && count < 200, String(count));
    });
  });
});
