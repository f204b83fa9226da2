import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sessionDirectories } from '../../src/session/directories.ts';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
type Json = any;

const UNKNOWN_ID = '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f';

describe('a fork', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  const session = async (id: string): Promise<Json> => (await server.request('GET', `/sessions/${id}`)).body;
  const fork = async (id: string, body: object = {}): Promise<Json> => {
    const forked = await server.request('POST', `/sessions/${id}/fork`, body);
    assert.equal(forked.status, 201, JSON.stringify(forked.body));
    return forked.body;
  };
  const send = async (id: string, prompt: string, delivery = 'queue'): Promise<Json> =>
    (await server.request('POST', `/sessions/${id}/messages`, { prompt, delivery })).body;
  /** Gives the session its next turn, and returns what it answered. */
  const say = async (id: string, prompt: string): Promise<string> => {
    await send(id, prompt);
    return answerText(await server.ended(id));
  };
  /** A session with a turn for each prompt. @returns the `seq` at which each turn had ended as well */
  const talk = async (prompts: string[], options: object = {}): Promise<{ id: string; ends: number[] }> => {
    const [first, ...rest] = prompts;
    const id = await server.execute({ prompt: first, ...options });
    await server.ended(id);
    const ends = [(await session(id)).last_seq];
    for (const prompt of rest) {
      await say(id, prompt);
      ends.push((await session(id)).last_seq);
    }
    return { id, ends };
  };
  const events = async (id: string): Promise<Json[]> =>
    await server.context.database.db
      .selectFrom('events')
      .selectAll()
      .where('session_id', '=', id)
      .orderBy('seq')
      .execute();
  const transcript = async (id: string): Promise<Json[]> =>
    await server.context.database.db
      .selectFrom('transcripts')
      .select(['type', 'entry'])
      .where('session_id', '=', id)
      .orderBy('id')
      .execute();
  /** All that the database has of a session, as text. */
  const everything = async (id: string): Promise<string> => {
    const tables = ['turns', 'events', 'transcripts', 'approvals'].map((table) => ({
      table,
      key: 'session_id',
    }));
    const rows = [{ table: 'sessions', key: 'id' }, ...tables].map(async ({ table, key }) => {
      const { rows } = await server.context.database.pool.query(
        `select row_to_json(${table})::text as row from ${table} where ${key} = $1 order by 1`,
        [id],
      );
      return rows.map(({ row }) => row);
    });
    return (await Promise.all(rows)).flat().join('\n');
  };
  const toolCalled = async (id: string) =>
    await server.event(
      id,
      ({ kind, data }) =>
        kind === 'sdk' && data.type === 'assistant' && JSON.stringify(data).includes('tool_use"'),
    );
  const turnEnded = async (id: string, turn: Json) =>
    await server.event(
      id,
      (found) => found.kind === 'turn' && found.turn_id === turn.turn_id && found.data.phase === 'ended',
    );
  /** A session of which a tool runs until the file `go` is there. */
  const busy = async (): Promise<string> => {
    const { id } = await talk(['My name is Grace.'], { allowed_tools: ['Bash'] });
    await send(id, 'run: until [ -e go ]; do sleep 0.02; done; echo arrived');
    await toolCalled(id);
    return id;
  };
  const go = async (id: string): Promise<void> => {
    await writeFile(join(sessionDirectories(server.config.dataDir, id).workspace, 'go'), '');
  };

  describe('of a session that has ended', () => {
    it('from the middle answers from the right history, and leaves the old session as it was', async () => {
      const { id, ends } = await talk(['My name is Grace.', 'My name is Ada.']);
      const before = await everything(id);
      const forked = await fork(id, { at: ends[0], prompt: 'What is my name?' });
      assert.match(answerText(await server.ended(forked.session_id)), /Grace/);
      assert.equal(await everything(id), before);
      assert.match(await say(id, 'What is my name?'), /Ada/);
    });

    it('begins with the events and turns up to there, under the same numbers', async () => {
      const { id, ends } = await talk(['My name is Grace.', 'My name is Ada.']);
      const at = ends[0] ?? 0;
      const forked = await fork(id, { at });
      assert.deepEqual([forked.parent_id, forked.forked_at, forked.status], [id, at, 'completed']);
      assert.equal(forked.claude_session_id, forked.session_id);
      const [parent, copy] = [await session(id), await session(forked.session_id)];
      assert.deepEqual(
        copy.turns.map((turn: Json) => [turn.prompt, turn.state]),
        [['My name is Grace.', 'completed']],
      );
      assert.deepEqual(copy.turns[0].result, parent.turns[0].result);
      assert.notEqual(copy.turns[0].turn_id, parent.turns[0].turn_id);

      const copied = await events(forked.session_id);
      const same = ({ seq, kind, data, at }: Json) => ({ seq, kind, data, at });
      assert.deepEqual(copied.slice(0, at).map(same), (await events(id)).slice(0, at).map(same));
      assert.deepEqual(
        copied.map(({ seq }) => seq),
        copied.map((_, index) => index + 1),
      );
      assert.equal(copied[at].data.forked_from.session_id, id);
      const ids = new Set(copied.map(({ turn_id }) => turn_id).filter((turnId) => turnId !== null));
      assert.deepEqual([...ids], [copy.turns[0].turn_id]);
      const status = await server.request('GET', `/status/${forked.session_id}`);
      assert.equal(status.body.messages.length, copy.message_count);
    });

    it('is idle without a prompt, and goes on like any session', async () => {
      const { id } = await talk(['My name is Grace.']);
      const forked = await fork(id, { title: 'another way' });
      assert.deepEqual([forked.status, forked.title], ['completed', 'another way']);
      assert.match(await say(forked.session_id, 'What is my name?'), /Grace/);
    });

    it('costs nothing at first, and then what its own turns cost', async () => {
      const { id } = await talk(['My name is Grace.']);
      const parent = await session(id);
      const forked = await fork(id, { prompt: 'What is my name?' });
      assert.equal(forked.cost_usd, 0);
      await server.ended(forked.session_id);
      const { cost_usd, usage, turns } = await session(forked.session_id);
      assert.ok(turns[1].cost_usd > 0 && turns[1].cost_usd < parent.cost_usd);
      assert.deepEqual([cost_usd, usage], [turns[1].cost_usd, turns[1].usage]);
      assert.deepEqual([turns[0].cost_usd, turns[0].usage], [0, {}]);
      assert.equal((await session(id)).cost_usd, parent.cost_usd);
    });

    it('does not count what the history cost against its budget', async () => {
      const { id } = await talk(['My name is Grace.', 'hello', 'what is 2 + 2?', 'hello again']);
      const max_budget_usd = (await session(id)).cost_usd * 0.9;
      const copy = await server.execute({
        prompt: 'What is my name?',
        resume_session_id: id,
        fork_session: true,
        max_budget_usd,
      });
      assert.match(answerText(await server.ended(copy)), /Grace/);
    });

    it('can be made many times, and of a fork', async () => {
      const { id, ends } = await talk(['My name is Grace.']);
      const [one, two] = await Promise.all([fork(id), fork(id)]);
      await say(one.session_id, 'My name is Ada.');
      await say(two.session_id, 'My name is Joan.');
      const own = await fork(one.session_id, { prompt: 'What is my name?' });
      const shared = await fork(one.session_id, { at: ends[0], prompt: 'What is my name?' });
      assert.match(answerText(await server.ended(own.session_id)), /Ada/);
      assert.match(answerText(await server.ended(shared.session_id)), /Grace/);
      assert.match(await say(two.session_id, 'What is my name?'), /Joan/);
    });

    it('in the middle of a tool call does not know what became of it, and does not make it again', async () => {
      const prompt = 'run: echo made >> marker; echo out-$((40 + 2))';
      const { id } = await talk(['My name is Grace.', prompt], { allowed_tools: ['Bash'] });
      const { seq } = await toolCalled(id);
      const { session_id: copy } = await fork(id, { at: seq });
      const { turns, status } = await session(copy);
      assert.deepEqual(
        [turns[1].state, turns[1].error.code, status],
        ['cancelled', 'interrupted', 'cancelled'],
      );
      assert.match(await say(copy, 'What is my name?'), /Grace/);
      const noted = JSON.stringify(await transcript(copy));
      assert.match(noted, /tool_use/);
      assert.doesNotMatch(noted, /out-42/);
      assert.match(await say(copy, 'run: cat marker'), /```\nmade\n```/);
    });

    it('knows a conversation that was compacted, before and after', async () => {
      const { id, ends } = await talk(['My name is Grace.', '/compact', 'My name is Ada.'], {
        slash_commands: true,
      });
      for (const at of [ends[0], ends[1]]) {
        const forked = await fork(id, { at, prompt: 'What is my name?' });
        assert.match(answerText(await server.ended(forked.session_id)), /Grace/);
      }
    });

    it('copies what tools printed, whatever it is', async () => {
      const { id, ends } = await talk(
        ['My name is Grace.', "run: printf 'a\\0b\\ud83d'", 'My name is Ada.'],
        {
          allowed_tools: ['Bash'],
        },
      );
      const forked = await fork(id, { at: ends[1], prompt: 'What is my name?' });
      assert.match(answerText(await server.ended(forked.session_id)), /Grace/);
      const { message_count } = await session(forked.session_id);
      const status = await server.request('GET', `/status/${forked.session_id}`);
      assert.equal(status.body.messages.length, message_count);
    });

    it('stays when the old session is deleted', async () => {
      const { id } = await talk(['My name is Grace.']);
      const { session_id: copy } = await fork(id);
      assert.equal((await server.request('DELETE', `/sessions/${id}`)).status, 200);
      assert.equal((await session(copy)).parent_id, null);
      assert.match(await say(copy, 'What is my name?'), /Grace/);
    });
  });

  describe('of a session that runs', () => {
    it('has the history so far; the turn goes on in the old one only', async () => {
      const id = await busy();
      const waiting = await send(id, 'what is 2 + 2?');
      const forked = await fork(id, { prompt: 'What is my name?' });
      assert.match(answerText(await server.ended(forked.session_id)), /Grace/);
      const copies = (await session(forked.session_id)).turns;
      assert.deepEqual(
        copies.map((turn: Json) => [turn.state, turn.error?.code ?? null]),
        [
          ['completed', null],
          ['cancelled', 'interrupted'],
          ['cancelled', 'interrupted'],
          ['completed', null],
        ],
      );
      await go(id);
      await turnEnded(id, waiting);
      const { turns } = await session(id);
      assert.match(turns[1].result.text, /arrived/);
      assert.equal(turns[2].result.text, '2 + 2 = 4');
      assert.doesNotMatch(JSON.stringify(await transcript(forked.session_id)), /arrived\\n/);
    });

    it('knows what the agent has only just said', async () => {
      const id = await busy();
      const called = (await events(id)).findLast(({ data }) => JSON.stringify(data).includes('"tool_use"'));
      const { session_id: copy } = await fork(id, { at: called.seq });
      const entries = (await transcript(copy)).map(({ entry }) => entry.uuid);
      assert.ok(entries.includes(called.data.uuid));
      await go(id);
      await server.ended(id);
    });

    it('names its own turn where a message was taken into the running one', async () => {
      const id = await busy();
      await send(id, 'what is 2 + 2?', 'steer');
      await server.event(
        id,
        ({ kind, data }) => kind === 'turn' && data.turn === 3 && data.phase === 'queued',
      );
      await go(id);
      const steered = await server.event(id, ({ kind, data }) => kind === 'turn' && data.phase === 'steered');
      await turnEnded(id, (await session(id)).turns[1]);
      const { session_id: copy, turns } = await fork(id);
      assert.equal(turns[2].steered_into, turns[1].turn_id);
      const event = (await events(copy))[steered.seq - 1];
      assert.equal(event.data.steered_into, turns[1].turn_id);
    });

    it('asks nobody: approvals that wait are withdrawn in the fork and wait on in the old one', async () => {
      const id = await server.execute({ prompt: 'run: echo yes > marker', approvals: 'ask' });
      const asked = await server.event(id, ({ kind }) => kind === 'approval');
      const { approval } = asked.data as Json;
      const { session_id: copy, waiting_for, status } = await fork(id);
      assert.deepEqual([status, waiting_for], ['cancelled', null]);
      const list = await server.request('GET', `/approvals?session_id=${copy}`);
      const [own] = list.body.approvals;
      assert.deepEqual([own.status, own.tool_use_id], ['withdrawn', approval.tool_use_id]);
      assert.notEqual(own.approval_id, approval.approval_id);
      const said = (await events(copy)).filter(({ kind }) => kind === 'approval');
      assert.deepEqual(
        said.map(({ data }) => [data.phase, data.approval.approval_id, data.approval.session_id]),
        ['requested', 'withdrawn'].map((phase) => [phase, own.approval_id, copy]),
      );
      assert.equal(said[0].data.approval.turn_id, own.turn_id);
      const path = `/approvals/${approval.approval_id}`;
      assert.equal((await server.request('POST', path, { decision: 'allow' })).status, 200);
      assert.equal((await server.ended(id)).status, 'completed');
    });

    it('does not have what was allowed for the whole old session', async () => {
      const id = await server.execute({ prompt: 'run: echo yes > marker', approvals: 'ask' });
      const { data } = await server.event(id, ({ kind }) => kind === 'approval');
      const path = `/approvals/${(data as Json).approval.approval_id}`;
      await server.request('POST', path, { decision: 'allow', scope: 'session' });
      await server.ended(id);
      const { session_id: copy, last_seq } = await fork(id, { prompt: 'run: echo yes > marker' });
      const asked = await server.event(copy, ({ kind, seq }) => kind === 'approval' && seq > last_seq);
      assert.equal((asked.data as Json).phase, 'requested');
      await server.request('POST', `/cancel/${copy}`);
      await server.ended(copy);
    });
  });

  describe('through POST /execute/', () => {
    it('with fork_session answers with the new session, which has the whole history', async () => {
      const { id } = await talk(['My name is Grace.'], { title: 'first' });
      const { body } = await server.request('POST', '/execute/', {
        prompt: 'What is my name?',
        resume_session_id: id,
        fork_session: true,
        model: 'haiku',
      });
      assert.notEqual(body.session_id, id);
      assert.equal(body.message, `Session ${body.session_id} started successfully`);
      assert.match(answerText(await server.ended(body.session_id)), /Grace/);
      const { options, title, parent_id } = await session(body.session_id);
      assert.deepEqual([options.model, title, parent_id], ['haiku', 'first', id]);
      assert.equal((await session(id)).turns.length, 1);
    });

    it('can fork a session that runs, and refuses an unknown one like any resume', async () => {
      const id = await busy();
      const copy = await server.execute({
        prompt: 'What is my name?',
        resume_session_id: id,
        fork_session: true,
      });
      assert.match(answerText(await server.ended(copy)), /Grace/);
      await go(id);
      await server.ended(id);
      const refused = await server.request('POST', '/execute/', {
        prompt: 'hello',
        resume_session_id: UNKNOWN_ID,
        fork_session: true,
      });
      assert.deepEqual([refused.status, refused.body.code], [400, 'session_not_resumable']);
    });
  });

  it('is made once for one Idempotency-Key', async () => {
    const { id } = await talk(['My name is Grace.']);
    const ask = async (body: object) => {
      const response = await fetch(`${server.url}/sessions/${id}/fork`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': 'fork-1' },
        body: JSON.stringify(body),
      });
      return {
        status: response.status,
        replayed: response.headers.get('idempotent-replayed'),
        body: (await response.json()) as Json,
      };
    };
    const first = await ask({ title: 'once' });
    const again = await ask({ title: 'once' });
    assert.deepEqual([first.replayed, again.status, again.replayed], [null, 201, 'true']);
    assert.equal(again.body.session_id, first.body.session_id);
    const other = await ask({ title: 'twice' });
    assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused']);
  });

  it('is refused where it has no sense', async () => {
    const { id, ends } = await talk(['My name is Grace.']);
    for (const [field, body] of Object.entries({
      at: { at: (ends[0] ?? 0) + 1 },
      prompt: { prompt: '  ' },
      title: { title: 'x'.repeat(201) },
      promt: { promt: 'hello' },
    })) {
      const refused = await server.request('POST', `/sessions/${id}/fork`, body);
      assert.deepEqual([refused.status, refused.body.errors[0].field], [422, field]);
    }
    for (const unknown of [UNKNOWN_ID, 'nothing']) {
      assert.equal((await server.request('POST', `/sessions/${unknown}/fork`)).status, 404);
    }
  });
});
