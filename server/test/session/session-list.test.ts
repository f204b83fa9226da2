import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import type { SessionState, SessionSummary } from '../../../client/src/index.ts';
import { createKey } from '../../src/access/api-key/service.ts';
import { NO_LIMITS } from '../../src/ground/identity.ts';
import { newSessionId } from '../../src/ground/ids.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';

describe('the list of sessions', () => {
  let server: TestServer;
  let ada: TestServer;
  let bob: TestServer;
  before(async () => {
    server = await startTestServer({ config: { maxSessions: 4 } });
    ada = await newcomer('acme');
    bob = await newcomer('acme');
    await ada.client.sessions.counts();
    await bob.client.sessions.counts();
  });
  after(async () => await server[Symbol.asyncDispose]());

  const newcomer = async (tenantId: string): Promise<TestServer> => {
    const request = { tenantId, name: 'x', scopes: ['admin' as const], expiresAt: null, createdBy: 'test' };
    const { secret } = await createKey(server.context.apiKeys, { ...request, limits: NO_LIMITS });
    return server.as(secret);
  };
  const run = async (body: object = {}, of = ada): Promise<string> => {
    const id = await of.execute({ prompt: 'hello', ...body });
    await of.ended(id);
    return id;
  };
  const find = async (of: TestServer, id: string): Promise<SessionSummary> => {
    for await (const summary of of.client.sessions.summaries({ archived: 'any' })) {
      if (summary.session_id === id) return summary;
    }
    return assert.fail(`no summary of ${id}`);
  };
  const ids = async (of: TestServer, filter: object): Promise<string[]> =>
    (await Array.fromAsync(of.client.sessions.summaries(filter))).map(({ session_id }) => session_id);
  const asking = async (): Promise<string> => {
    const id = await ada.execute({ prompt: 'run: echo hello > greeting', approvals: 'ask' });
    await ada.event(id, ({ kind, data }) => kind === 'approval' && data.phase === 'requested');
    return id;
  };
  const hanging = async (): Promise<string> => {
    const id = await ada.execute({ prompt: '[demo:hang]' });
    await ada.event(id, ({ kind }) => kind === 'sdk');
    return id;
  };

  it('says of each what it is to whoever asks, and finds it by that', async () => {
    const known: Record<SessionState, string> = {
      idle: await run(),
      unread: await run(),
      working: await hanging(),
      needs_you: await asking(),
    };
    await ada.client.sessions.mark(known.idle, { read_seq: 1_000 });
    for (const [state, id] of Object.entries(known) as [SessionState, string][]) {
      assert.equal((await find(ada, id)).state, state);
      const found = await ids(ada, { state: [state] });
      for (const [other, otherId] of Object.entries(known))
        assert.equal(found.includes(otherId), other === state, `${other} among ${state}`);
    }
    const both = await ids(ada, { state: ['working', 'needs_you'] });
    assert.deepEqual(both, [known.needs_you, known.working]);
    for (const id of both) await ada.client.sessions.cancel(id);
    assert.deepEqual(
      [(await find(ada, known.needs_you)).state, (await find(ada, known.working)).state],
      [...['unread', 'unread']],
    );
  });

  it('knows a state for every way in which a session may stand', async () => {
    const reader = await newcomer('table');
    await reader.client.sessions.counts();
    const expected: [status: string, waitingFor: string | null, ended: string | null, state: SessionState][] =
      [
        ['pending', null, null, 'working'],
        ['running', null, null, 'working'],
        ['running', 'tool', null, 'working'],
        ['running', 'approval', null, 'needs_you'],
        ['running', 'question', null, 'needs_you'],
        ['completed', null, '0 s', 'unread'],
        ['error', null, '0 s', 'unread'],
        ['cancelled', null, '0 s', 'unread'],
        ['completed', null, '1 hour', 'idle'],
        ['error', null, '1 hour', 'idle'],
      ];
    const made: [string, SessionState][] = [];
    for (const [status, waitingFor, ended, state] of expected) {
      const id = newSessionId();
      await sql`
        insert into sessions (id, tenant_id, status, waiting_for, options, last_seq, ended_at)
        values (${id}, 'table', ${status}, ${waitingFor}, '{}', 3, now() - ${ended}::interval)
      `.execute(server.context.database.db);
      made.push([id, state]);
    }
    const shown = await Array.fromAsync(reader.client.sessions.summaries());
    assert.deepEqual(
      shown.map(({ session_id, state }) => [session_id, state]),
      made.toReversed(),
    );
    const { is_capped: _, ...counts } = await reader.client.sessions.counts();
    assert.deepEqual(counts, {
      working: 3,
      needs_you: 2,
      unread: 3,
      idle: 2,
      pinned: 0,
      archived: 0,
      total: 10,
    });
    for (const state of ['working', 'needs_you', 'unread', 'idle'] as const)
      assert.equal((await ids(reader, { state })).length, counts[state], state);
    assert.equal((await ids(reader, { state: ['idle', 'needs_you'] })).length, 4);
  });

  it('shows what an agent does while a turn runs, and nothing when it has ended', async () => {
    const id = await asking();
    const summary = await find(ada, id);
    assert.deepEqual(summary.activity, { tool: 'Bash', text: 'echo hello > greeting' });
    assert.deepEqual([summary.waiting_for, summary.pending_approvals], ['approval', 1]);
    const [approval] = await Array.fromAsync(ada.client.approvals.list({ status: 'pending' }));
    await ada.client.approvals.allow(approval?.approval_id ?? '');
    await ada.ended(id);
    const after = await find(ada, id);
    assert.deepEqual([after.activity, after.pending_approvals], [null, 0]);
    // As a server leaves it that was killed: it is the status that says that something runs.
    const { rows } = await sql<{ tool: string }>`
      select activity ->> 'text' as tool from sessions where id = ${id}`.execute(server.context.database.db);
    assert.notEqual(rows[0]?.tool, null);
  });

  it('shows the first prompt, the model, tokens and metadata', async () => {
    const metadata = { team: 'web', long: 'x'.repeat(500) };
    const id = await run({ prompt: `  Say\n\n${'hello '.repeat(100)}`, metadata, title: 'A title' });
    const summary = await find(ada, id);
    assert.match(summary.prompt ?? '', /^Say hello hello .*…$/);
    assert.equal(summary.prompt?.length, 200);
    assert.match(summary.model ?? '', /./, 'the model that answered');
    assert.deepEqual(
      [summary.title, summary.metadata, summary.metadata_omitted, summary.permission_mode],
      ['A title', metadata, 0, 'default'],
    );
    const { usage } = await ada.client.sessions.get(id);
    const { input_tokens = 0, cache_read_input_tokens = 0, cache_creation_input_tokens = 0 } = usage;
    const input = input_tokens + cache_read_input_tokens + cache_creation_input_tokens;
    const output = usage.output_tokens ?? 0;
    assert.deepEqual(summary.tokens, { input, output, total: input + output });
    assert.ok(input > 0 && output > 0);
    await ada.client.sessions.update(id, { model: 'haiku', permission_mode: 'plan' });
    const changed = await find(ada, id);
    assert.deepEqual([changed.model, changed.permission_mode], ['haiku', 'plan']);
    const fork = await ada.client.sessions.fork(id);
    const forked = await find(ada, fork.session_id);
    assert.deepEqual([forked.prompt, forked.parent_id, forked.model], [summary.prompt, id, 'haiku']);
  });

  it('shows the first prompt as it is now, where it was changed while it waited', async () => {
    await using busy = await startTestServer({ config: { maxSessions: 1 } });
    const running = await busy.execute({ prompt: '[demo:hang]' });
    await busy.event(running, ({ kind }) => kind === 'sdk');
    const id = await busy.execute({ prompt: 'tpyo' });
    const [message] = (await Array.fromAsync(busy.client.sessions.turns(id))) ?? [];
    await busy.client.sessions.messages.edit(id, message?.turn_id ?? '', { prompt: 'typo' });
    assert.equal((await find(busy, id)).prompt, 'typo');
  });

  it('stays small where metadata is large, and says what it leaves out', async () => {
    const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`key ${n}`, '語'.repeat(512)]));
    const summary = await find(ada, await run({ metadata }));
    assert.ok(Object.keys(summary.metadata).length > 0);
    assert.equal(Object.keys(summary.metadata).length + summary.metadata_omitted, 50);
    assert.ok(Buffer.byteLength(JSON.stringify(summary)) < 10_000);
  });

  describe('keeps for each key by itself', () => {
    it('what it has read', async () => {
      const id = await run();
      const { last_seq } = await find(ada, id);
      const marks = await ada.client.sessions.mark(id, { read_seq: 3 });
      assert.deepEqual(marks, { session_id: id, read_seq: 3, pinned: false, marked_at: marks.marked_at });
      assert.equal((await find(ada, id)).marked_at, marks.marked_at);
      assert.equal((await find(ada, id)).state, 'unread');
      assert.equal((await ada.client.sessions.mark(id, { read_seq: last_seq })).read_seq, last_seq);
      assert.equal((await ada.client.sessions.mark(id, { read_seq: 2 })).read_seq, last_seq);
      assert.deepEqual([(await find(ada, id)).state, (await find(bob, id)).state], ['idle', 'unread']);
      assert.equal((await find(bob, id)).read_seq, 0);
    });

    it('and no further than there is something to read: what comes is unread', async () => {
      const id = await run();
      const { last_seq } = await find(ada, id);
      assert.equal((await ada.client.sessions.mark(id, { read_seq: 1_000_000 })).read_seq, last_seq);
      await ada.client.sessions.messages.send(id, { prompt: 'again' });
      await ada.ended(id);
      assert.equal((await find(ada, id)).state, 'unread');
    });

    it('what it says is unread, also from before it was there', async () => {
      const id = await run();
      const late = await newcomer('acme');
      assert.equal((await find(late, id)).state, 'idle');
      const marks = await late.client.sessions.mark(id, { unread: true });
      assert.deepEqual([marks.read_seq, (await find(late, id)).state], [0, 'unread']);
      assert.equal((await late.client.sessions.counts()).unread, 1);
      assert.equal((await late.client.sessions.readAll()).marked, 1);
      assert.deepEqual([(await find(late, id)).state, (await find(bob, id)).state], ['idle', 'unread']);
    });

    it('what it has pinned', async () => {
      const id = await run();
      const { pinned, read_seq } = await ada.client.sessions.mark(id, { pinned: true });
      assert.deepEqual([pinned, read_seq], [true, 0]);
      assert.equal((await ada.client.sessions.mark(id, { read_seq: 2 })).pinned, true);
      assert.deepEqual([(await find(ada, id)).pinned, (await find(bob, id)).pinned], [true, false]);
      assert.deepEqual([await ids(ada, { pinned: true }), await ids(bob, { pinned: true })], [[id], []]);
      assert.equal((await ada.client.sessions.counts()).pinned, 1);
      await ada.client.sessions.mark(id, { pinned: false });
      assert.deepEqual(await ids(ada, { pinned: true }), []);
    });

    it('that it has read everything, and not what comes', async () => {
      await run();
      const { unread } = await ada.client.sessions.counts();
      assert.ok(unread > 0);
      assert.equal((await ada.client.sessions.readAll()).marked, unread);
      assert.equal((await ada.client.sessions.counts()).unread, 0);
      assert.deepEqual(await ids(ada, { state: ['unread'] }), []);
      assert.ok((await bob.client.sessions.counts()).unread > 0);
      const id = await run();
      assert.deepEqual(await ids(ada, { state: ['unread'] }), [id]);
    });

    it('and lets nobody of another tenant note anything', async () => {
      const id = await run();
      const eve = await newcomer('others');
      const answer = await eve.request('PATCH', `/sessions/${id}/marks`, { pinned: true });
      assert.equal(answer.status, 404);
      assert.equal((await eve.client.sessions.readAll()).marked, 0);
      assert.deepEqual(await ids(eve, { archived: 'any' }), []);
      assert.deepEqual(await eve.client.sessions.counts(), {
        working: 0,
        needs_you: 0,
        unread: 0,
        idle: 0,
        pinned: 0,
        archived: 0,
        total: 0,
        is_capped: false,
      });
      const marks = await sql<{ count: number }>`
        select count(*)::int as count from session_marks where session_id = ${id}`;
      assert.equal((await marks.execute(server.context.database.db)).rows[0]?.count, 0);
    });

    it('as long as the session is there', async () => {
      const id = await run();
      await ada.client.sessions.mark(id, { pinned: true });
      await ada.client.sessions.delete(id);
      assert.equal((await ada.request('PATCH', `/sessions/${id}/marks`, { pinned: true })).status, 404);
      assert.deepEqual(await ids(ada, { pinned: true }), []);
    });

    it('with a key that may do no more than read', async () => {
      const id = await run();
      const request = { tenantId: 'acme', name: 'x', scopes: ['sessions:read' as const], expiresAt: null };
      const made = await createKey(server.context.apiKeys, {
        ...request,
        createdBy: 'test',
        limits: NO_LIMITS,
      });
      const { sessions } = server.as(made.secret).client;
      assert.equal((await sessions.mark(id, { pinned: true })).pinned, true);
      assert.equal((await sessions.readAll()).marked, 0);
    });
  });

  it('streams to each reader what it is to them', async () => {
    const id = await run();
    const seen: SessionSummary[] = [];
    for await (const event of bob.client.events({ signal: AbortSignal.timeout(60_000) })) {
      if (event.kind === 'ready') {
        await ada.client.sessions.mark(id, { pinned: true, read_seq: 1_000 });
        await ada.client.sessions.update(id, { title: 'the end' });
      }
      if (event.kind === 'summary' && event.session_id === id) seen.push(event.data);
      if (seen.at(-1)?.title === 'the end') break;
    }
    const noted = seen.map(({ pinned, read_seq, state }) => [pinned, read_seq, state]);
    assert.deepEqual(noted, [
      [false, 0, 'unread'],
      [false, 0, 'unread'],
    ]);
    assert.deepEqual((await find(ada, id)).pinned, true);
    await ada.client.sessions.mark(id, { pinned: false });
  });

  it('refuses marks that contradict each other, or that it does not know', async () => {
    const id = await run();
    for (const [body, field] of [
      [{ read_seq: 1, unread: true }, 'unread'],
      [{ unread: false }, 'unread'],
      [{ read_seq: -1 }, 'read_seq'],
      [{ read_seq: 1e300 }, 'read_seq'],
      [{ pined: true }, 'pined'],
    ] as const) {
      const answer = await ada.request('PATCH', `/sessions/${id}/marks`, body);
      assert.deepEqual([answer.status, answer.body.errors[0].field], [422, field]);
    }
  });

  it('leaves archived sessions out, for the whole tenant, until a message brings them back', async () => {
    const id = await run();
    const { archived } = await ada.client.sessions.counts();
    assert.equal((await ada.client.sessions.update(id, { archived: true })).archived, true);
    for (const reader of [ada, bob]) {
      assert.ok(!(await ids(reader, {})).includes(id));
      assert.ok((await ids(reader, { archived: true })).includes(id));
      assert.ok((await ids(reader, { archived: 'any' })).includes(id));
    }
    assert.equal((await ada.client.sessions.counts()).archived, archived + 1);
    await ada.client.sessions.update(id, { title: 'still away' });
    assert.equal((await find(ada, id)).archived, true);
    await ada.client.sessions.messages.send(id, { prompt: 'again' });
    assert.equal((await find(bob, id)).archived, false);
    await ada.ended(id);
  });

  it('is searched by labels, with any character in them', async () => {
    const odd = { 'a:b\\': 'c:d,e=f', 'url,': 'http://x:1/?q=a,b&c=%41', team: '' };
    const id = await run({ metadata: odd });
    const other = await run({ metadata: { team: 'web', 'a:b\\': 'c:d' } });
    for (const [key, value] of Object.entries(odd)) {
      const found = await ids(ada, { labels: { [key]: value } });
      assert.deepEqual(found, [id], key);
    }
    assert.deepEqual(await ids(ada, { labels: odd }), [id]);
    assert.deepEqual(await ids(ada, { labels: { ...odd, team: 'web' } }), []);
    assert.deepEqual(await ids(ada, { labels: { team: 'web', 'a:b\\': 'c:d' } }), [other]);
    for (const label of ['team', 'a\\:b']) {
      const { status } = await ada.request('GET', `/sessions/summaries?label=${encodeURIComponent(label)}`);
      assert.equal(status, 422, label);
    }
  });

  it('is searched by text, taken as it is, by id, status and model', async () => {
    const id = await run({ prompt: 'hello 100%_sure\\', title: 'The Größte Plan' });
    for (const q of [
      'GRÖSSTE'.toLowerCase().replace('ss', 'ß'),
      'the gr',
      '100%_SURE\\',
      id,
      id.slice(0, 30),
    ])
      assert.deepEqual(await ids(ada, { q }), [id], q);
    for (const q of ['100__sure', '%sure%x', id.slice(1), 'nowhere'])
      assert.deepEqual(await ids(ada, { q }), [], q);
    const { model } = await find(ada, id);
    assert.ok((await ids(ada, { model: model ?? '' })).includes(id));
    assert.deepEqual(await ids(ada, { model: 'none of that name' }), []);
    assert.ok((await ids(ada, { status: ['completed'] })).includes(id));
    assert.ok(!(await ids(ada, { status: ['error', 'running'] })).includes(id));
    assert.equal((await ada.client.sessions.counts({ q: id })).total, 1);
  });

  it('is read page by page, newest first, and stays the same while sessions are made', async () => {
    const before = await ids(ada, {});
    assert.ok(before.length > 6);
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ada.client.sessions.summaryPage({ limit: 3, cursor });
      seen.push(...page.summaries.map(({ session_id }) => session_id));
      cursor = page.next ?? undefined;
      await ada.execute({ prompt: 'hello' });
    } while (cursor !== undefined);
    assert.deepEqual(seen, before);
    assert.deepEqual(seen, seen.toSorted().toReversed());
  });

  it('refuses a query that it does not know', async () => {
    const refused: Record<string, string> = {
      'state=done': 'state.0',
      'limit=201': 'limit',
      'limit=': 'limit',
      'cursor=x': 'cursor',
      'archived=maybe': 'archived',
      'pinned=false': 'pinned',
      [`q=${'x'.repeat(201)}`]: 'q',
      'sort=cost': 'sort',
    };
    for (const [query, field] of Object.entries(refused)) {
      const { status, body } = await ada.request('GET', `/sessions/summaries?${query}`);
      assert.deepEqual([status, body.errors?.[0].field], [422, field], query);
    }
    assert.equal((await ada.request('GET', '/sessions/counts?state=idle')).status, 422);
  });
});
