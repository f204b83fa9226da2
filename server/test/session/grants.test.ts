import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import type { Scope } from '../../../client/src/index.ts';
import { createKey } from '../../src/access/api-key/service.ts';
import { NO_LIMITS } from '../../src/ground/identity.ts';
import { answerText, askedBy, startTestServer, type TestServer } from '../support/harness.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Approval = any;

describe('what an approval allows for the session', () => {
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
  const allow = async (approval: Approval, rules?: string[]) => {
    const allowed = await answer(approval, { decision: 'allow', scope: 'session', rules });
    assert.equal(allowed.status, 200, JSON.stringify(allowed.body));
    return allowed.body;
  };
  const say = async (id: string, prompt: string): Promise<void> => {
    await server.client.sessions.messages.send(id, { prompt });
  };

  it('is the rule that was written: the next call that it covers runs, one outside it asks again', async () => {
    const id = await ask('run: touch one.txt then run: touch two.txt then run: mkdir three');
    const decided = await allow(await asked(id), ['Bash(touch *.txt)']);
    assert.deepEqual(decided.answer.rules, ['Bash(touch *.txt)']);
    const second = await asked(id, 2);
    assert.equal(second.input.command, 'mkdir three');
    await answer(second, { decision: 'deny', message: 'no directories' });
    assert.match(answerText(await server.ended(id)), /no directories/);
    const { grants } = await server.client.sessions.get(id);
    assert.deepEqual(
      grants.map(({ rule, tool_name, decided_by }) => [rule, tool_name, decided_by]),
      [
        ['Bash(touch *.txt)', null, 'local'],
        [null, 'Bash', 'local'],
      ],
    );
    assert.ok(grants.every(({ approval_id }) => approval_id === decided.approval_id));
  });

  it('is exactly this call where the rules are none', async () => {
    const id = await ask('run: touch one then run: touch one then run: touch two');
    await allow(await asked(id), []);
    const second = await asked(id, 2);
    assert.equal(second.input.command, 'touch two');
    await answer(second, { decision: 'deny' });
    await server.ended(id);
    assert.equal((await server.client.sessions.get(id)).grants.length, 1);
  });

  it('is taken back for the agent that is there: it asks again, also when a new one was given the rule', async () => {
    const id = await ask('run: touch one');
    await allow(await asked(id), ['Bash(touch *)']);
    await server.ended(id);
    // Another effort needs another process, which starts with the rule.
    await server.client.sessions.update(id, { effort: 'low' });
    await say(id, 'run: touch two');
    await server.ended(id);
    assert.equal((await server.request('GET', `/approvals?session_id=${id}`)).body.approvals.length, 1);
    const { grants } = await server.client.sessions.get(id);
    const rule = grants.find((grant) => grant.rule !== null);
    assert.ok(rule);
    const taken = await server.client.sessions.removeGrant(id, rule.grant_id);
    assert.equal(taken.rule, 'Bash(touch *)');
    const told = await server.event(
      id,
      ({ kind, data }) =>
        kind === 'session' && 'removed_grant' in data && data.removed_grant === rule.grant_id,
    );
    assert.ok(told.seq > 0);
    await say(id, 'run: touch three');
    const again = await asked(id, 2);
    assert.equal(again.input.command, 'touch three');
    await allow(again, ['Bash(touch *)']);
    await server.ended(id);
    await say(id, 'run: touch four');
    await server.ended(id);
    assert.equal((await server.request('GET', `/approvals?session_id=${id}`)).body.approvals.length, 2);
    const unknown = await server.request('DELETE', `/sessions/${id}/grants/${'0'.repeat(16)}`);
    assert.equal(unknown.status, 404);
  });

  it('is taken back from an agent at work also where the signal is lost', async () => {
    const id = await ask('run: touch one');
    await allow(await asked(id), ['Bash(touch *)', 'Bash(sleep *)']);
    await server.ended(id);
    await sql`update sessions set grants = (
      select json_agg(one) from json_array_elements(grants) as one where one->>'rule' is distinct from 'Bash(touch *)'
    ) where id = ${id}`.execute(server.context.database.db);
    // Of two heartbeats one comes while it sleeps.
    await say(id, 'run: sleep 7 then run: touch two');
    const again = await asked(id, 2);
    assert.equal(again.input.command, 'touch two');
    await answer(again, { decision: 'deny' });
    await server.ended(id);
  });

  it('is no rule that is malformed, or of a tool that the session does not allow', async () => {
    const id = await ask('run: touch one', { disallowed_tools: ['WebFetch', 'Bash(rm *)'] });
    const approval = await asked(id);
    const refused = ['Bash(', 'Bash()', 'bsh(ls)', 'mcp__server__tool(x)', 'Bash(:*)', 'Read(src/:*)', ''];
    for (const rule of [...refused, 'WebFetch', 'WebFetch(domain:example.com)', 'Bash(rm *)']) {
      const body = { decision: 'allow', scope: 'session', rules: ['Bash(touch *)', rule] };
      const { status, body: problem } = await answer(approval, body);
      assert.deepEqual([status, problem.errors?.[0]?.field], [422, 'rules.1'], rule);
    }
    const misplaced = await answer(approval, { decision: 'allow', rules: [] });
    assert.deepEqual([misplaced.status, misplaced.body.errors[0].field], [422, 'rules']);
    const mode = await answer(approval, { decision: 'allow', permission_mode: 'acceptEdits' });
    assert.deepEqual([mode.status, mode.body.errors[0].field], [422, 'permission_mode']);
    assert.equal((await server.client.approvals.get(approval.approval_id)).status, 'pending');
    await allow(approval, ['bash(touch *)']);
    await server.ended(id);
    const { grants } = await server.client.sessions.get(id);
    assert.equal(grants[0]?.rule, 'Bash(touch *)', 'spelt as the agent program does');
  });

  it('leaves the session in the mode that a plan was approved with', async () => {
    for (const mode of ['acceptEdits', 'default', undefined] as const) {
      const id = await ask('plan: write a file then write hello into ./greeting.txt', {
        permission_mode: 'plan',
      });
      const plan = await asked(id);
      assert.equal(plan.kind, 'plan');
      const wrong = await answer(plan, { decision: 'allow', permission_mode: 'bypassPermissions' });
      assert.deepEqual([wrong.status, wrong.body.errors[0].field], [422, 'permission_mode']);
      const given = await answer(plan, { decision: 'allow', permission_mode: mode });
      assert.equal(given.status, 200, JSON.stringify(given.body));
      if (mode !== 'acceptEdits') await answer(await asked(id, 2), { decision: 'deny' });
      await server.ended(id);
      const { options } = await server.client.sessions.get(id);
      assert.equal(options.permission_mode, mode ?? 'default');
      await say(id, 'write hello into ./other.txt');
      if (mode !== 'acceptEdits') await answer(await asked(id, 3), { decision: 'deny' });
      await server.ended(id);
    }
  });
});

describe('whoever may only answer', () => {
  it('gives what was suggested, and no rule or mode of their own', async () => {
    await using server = await startTestServer();
    const make = async (name: string, scopes: Scope[]): Promise<TestServer> => {
      const request = {
        tenantId: 'default',
        name,
        scopes,
        expiresAt: null,
        limits: NO_LIMITS,
        createdBy: 'test',
      };
      return server.as((await createKey(server.context.apiKeys, request)).secret);
    };
    const owner = await make('owner', ['admin']);
    const approver = await make('approver', ['approvals', 'sessions:read']);
    const id = await owner.execute({ prompt: 'run: touch one', approvals: 'ask' });
    const event = await owner.event(id, ({ kind }) => kind === 'approval');
    const { approval } = event.data as { approval: Approval };
    const path = `/approvals/${approval.approval_id}`;
    const session = { decision: 'allow', scope: 'session' };
    const wide = await approver.request('POST', path, { ...session, rules: ['Bash'] });
    assert.deepEqual([wide.status, wide.body.code], [403, 'forbidden']);
    const suggested = await approver.request('POST', path, { ...session, rules: approval.rules });
    assert.equal(suggested.status, 200, JSON.stringify(suggested.body));
    assert.equal(suggested.body.decided_by, 'approver');
    await owner.ended(id);
    const planning = await owner.execute({
      prompt: 'plan: think',
      approvals: 'ask',
      permission_mode: 'plan',
    });
    const asked = await owner.event(planning, ({ kind }) => kind === 'approval');
    const plan = `/approvals/${(asked.data as { approval: Approval }).approval.approval_id}`;
    const edits = { decision: 'allow', permission_mode: 'acceptEdits' };
    assert.equal((await approver.request('POST', plan, edits)).status, 403);
    assert.equal((await approver.request('POST', plan, { decision: 'allow' })).status, 200);
    await owner.ended(planning);
  });
});
