import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { type GreenroomClient, GreenroomError } from '../../../client/src/index.ts';
import { outcomeWithoutResult } from '../../src/engine/hold/outcome.ts';
import { newRequestId, newTurnId } from '../../src/ground/ids.ts';
import { dollars } from '../../src/ground/util/money.ts';
import { endRunningTurn } from '../../src/session/lifecycle.ts';
import { lockSession } from '../../src/session/store.ts';
import { reserveUsage } from '../../src/session/usage/store.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { answerMessage, COST, MODEL, type ModelBooks, startModelBooks } from '../support/model-books.ts';

const isNear = (one: number, other: number): boolean => Math.abs(one - other) < 1e-9;

describe('the ledger', () => {
  let server: TestServer;
  let books: ModelBooks;
  let client: GreenroomClient;
  let apiKeyId: string;
  before(async () => {
    server = await startTestServer();
    books = await startModelBooks(server, { patienceMs: 50 });
    ({ client, id: apiKeyId } = await books.makeKey('operator'));
  });
  after(async () => {
    await books[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const answer = (): void =>
    books.handle((request, response) => request.resume().on('end', () => answerMessage(response)));
  const spending = async (sessionId: string) =>
    await server.context.database.db
      .selectFrom('session_spending')
      .select(['spent_usd', 'reserved_usd'])
      .where('session_id', '=', sessionId)
      .executeTakeFirstOrThrow();
  const reserve = async (sessionId: string): Promise<string> => {
    const asked = { sessionId, fence: 1, model: MODEL, extent: { bytes: 100, maxTokens: 100 } };
    const admission = await books.ledger.admit(asked, AbortSignal.timeout(10_000));
    assert.ok(admission.verdict === 'admitted');
    return admission.requestId;
  };
  const endTurn = async ({ sessionId, turnId }: { sessionId: string; turnId: string }): Promise<void> => {
    await server.context.database.db.transaction().execute(async (trx) => {
      const session = await lockSession(trx, { tenantId: 'default', id: sessionId });
      assert.ok(session);
      const outcome = outcomeWithoutResult('interrupted', 'it was killed');
      await endRunningTurn(trx, session, { id: turnId, number: 1, outcome });
    });
  };
  const costs = async ({ sessionId }: { sessionId: string }) => {
    const { cost_usd, turns } = await client.sessions.get(sessionId);
    return { session: cost_usd, turn: turns[0]?.cost_usd ?? Number.NaN };
  };

  it('has every request with model, tokens, cost, session, turn and key', async () => {
    answer();
    const { sessionId, turnId, access } = await books.startSession({ apiKeyId });
    assert.equal(await books.ask(access, sessionId), 200);
    const [entry, ...more] = await books.entries(sessionId);
    assert.equal(more.length, 0);
    assert.deepEqual(
      [entry?.model, entry?.status, entry?.turn_id, entry?.api_key_id, entry?.upstream_status],
      [MODEL, 'settled', turnId, apiKeyId, 200],
    );
    assert.deepEqual([entry?.input_tokens, entry?.output_tokens, entry?.is_estimated], [1000, 200, false]);
    assert.ok(isNear(entry?.cost_usd ?? 0, COST));
    assert.ok((entry?.reserved_usd ?? 0) >= COST, 'what is reserved is more than it cost');
    assert.deepEqual(await spending(sessionId), { spent_usd: entry?.cost_usd, reserved_usd: 0 });
  });

  it('reads the usage of an answer that is not streamed, and cached tokens by their kinds', async () => {
    books.handle((request, response) => {
      const usage = {
        input_tokens: 10,
        output_tokens: 20,
        cache_read_input_tokens: 30,
        cache_creation_input_tokens: 70,
        cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 40 },
        server_tool_use: { web_search_requests: 2 },
      };
      response.setHeader('content-type', 'application/json');
      request.resume().on('end', () => response.end(JSON.stringify({ model: MODEL, usage })));
    });
    const { sessionId, access } = await books.startSession();
    assert.equal(await books.ask(access, sessionId, { model: 'claude-haiku-4-5-latest' }), 200);
    const [entry] = await books.entries(sessionId);
    assert.equal(entry?.model, MODEL, 'the model that answered');
    assert.deepEqual([entry?.cache_read_tokens, entry?.cache_write_tokens], [30, 70]);
    const expected = (10 * 1 + 20 * 5 + 30 * 0.1 + 30 * 1.25 + 40 * 2) * 1e-6 + 0.02;
    assert.ok(isNear(entry?.cost_usd ?? 0, expected), String(entry?.cost_usd));
  });

  it('charges what the model API asked models for beside the answer, each at its price', async () => {
    books.handle((request, response) => {
      const usage = {
        input_tokens: 100,
        output_tokens: 20,
        iterations: [
          { type: 'compaction', input_tokens: 1_000, output_tokens: 50 },
          { type: 'message', input_tokens: 100, output_tokens: 20 },
          { type: 'advisor_message', model: 'claude-opus-4-5', input_tokens: 2_000, output_tokens: 300 },
        ],
      };
      response.setHeader('content-type', 'application/json');
      request.resume().on('end', () => response.end(JSON.stringify({ model: MODEL, usage })));
    });
    const { sessionId, access } = await books.startSession();
    assert.equal(await books.ask(access, sessionId), 200);
    const [entry] = await books.entries(sessionId);
    assert.deepEqual([entry?.model, entry?.input_tokens, entry?.output_tokens], [MODEL, 3_100, 370]);
    const expected = (1_100 * 1 + 70 * 5 + 2_000 * 5 + 300 * 25) * 1e-6;
    assert.ok(isNear(entry?.cost_usd ?? 0, expected), String(entry?.cost_usd));
  });

  it('charges nothing for what the model API refused or could not be asked', async () => {
    books.handle((_request, response) => response.writeHead(529).end('{}'));
    const { sessionId, access } = await books.startSession();
    assert.equal(await books.ask(access, sessionId), 529);
    books.handle((request) => request.socket.destroy());
    assert.equal(await books.ask(access, sessionId), 502);
    const entries = await books.entries(sessionId);
    assert.deepEqual(
      entries.map(({ status, cost_usd, upstream_status }) => [status, cost_usd, upstream_status]),
      [
        ['released', 0, 529],
        ['released', 0, null],
      ],
    );
    assert.deepEqual(await spending(sessionId), { spent_usd: 0, reserved_usd: 0 });
  });

  it('charges an answer that was cut off for its input and for what was seen of it', async () => {
    books.handle((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const start = { type: 'message_start', message: { model: MODEL, usage: { input_tokens: 1000 } } };
      const delta = {
        type: 'content_block_delta',
        index: 0,
        delta: { type: 'text_delta', text: 'a'.repeat(400) },
      };
      response.write(`data: ${JSON.stringify(start)}\n\ndata: ${JSON.stringify(delta)}\n\n`, () =>
        request.socket.destroy(),
      );
    });
    const { sessionId, access } = await books.startSession();
    assert.equal(await books.ask(access, sessionId, { stream: true }), null);
    const [entry] = await books.entries(sessionId);
    assert.deepEqual([entry?.input_tokens, entry?.output_tokens, entry?.is_estimated], [1000, 100, true]);
    assert.ok(isNear(entry?.cost_usd ?? 0, 1000e-6 + 100 * 5e-6));
  });

  it('charges a request that the agent gave up before its answer for its input', async () => {
    const reached = Promise.withResolvers<void>();
    books.handle(() => reached.resolve());
    const { sessionId, turnId, access } = await books.startSession();
    const asked = books.ask(access, sessionId).catch(() => null);
    await reached.promise;
    access.revoke();
    await asked;
    await books.gateway.settled(sessionId);
    const [entry] = await books.entries(sessionId);
    assert.ok((entry?.input_tokens ?? 0) > 0 && entry?.is_estimated && entry.status === 'settled');
    assert.ok((entry?.cost_usd ?? 0) > 0);
    await endTurn({ sessionId, turnId });
    assert.deepEqual(await costs({ sessionId }), { session: entry?.cost_usd, turn: entry?.cost_usd });
  });

  it('charges for the time of an answer that its agent did not wait for, and never more than was asked for', async () => {
    const reached = Promise.withResolvers<void>();
    books.handle(() => reached.resolve());
    const { sessionId, access } = await books.startSession();
    const asked = books.ask(access, sessionId, { stream: false, max_tokens: 1 }).catch(() => null);
    await reached.promise;
    access.revoke();
    await asked;
    await books.gateway.settled(sessionId);
    const [entry] = await books.entries(sessionId);
    assert.deepEqual([entry?.output_tokens, entry?.is_estimated], [1, true]);
  });

  it('charges what was written where the answer says 0, and tells the operator once', async () => {
    const text = 'a'.repeat(4_000);
    books.handle((request, response) => {
      request.resume();
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
      const none = { input_tokens: 0, output_tokens: 0 };
      const events = [
        { type: 'message_start', message: { model: MODEL, usage: none } },
        { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
        { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: none },
        { type: 'message_stop' },
      ];
      response.end(gzipSync(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')));
    });
    const { sessionId, access } = await books.startSession();
    for (const _ of ['first', 'second']) await books.ask(access, sessionId, { stream: true });
    for (const entry of await books.entries(sessionId)) {
      assert.deepEqual([entry.output_tokens, entry.is_estimated, entry.input_tokens > 0], [1000, true, true]);
    }
    const said = books.warnings().filter(({ msg }) => msg.includes('do not say what they used'));
    assert.equal(said.length, 1);
  });

  it('charges the reservation where what was used cannot be written down', async () => {
    const { sessionId } = await books.startSession();
    const requestId = await reserve(sessionId);
    const { reserved_usd } = await spending(sessionId);
    const tokens = { input: 1e30, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, webSearches: 0 };
    books.ledger.settle(
      { sessionId, requestId },
      { model: MODEL, tokens, isEstimated: false, upstreamStatus: 200 },
    );
    await books.ledger.settled(sessionId);
    const [entry] = await books.entries(sessionId);
    assert.deepEqual([entry?.status, entry?.cost_usd, entry?.is_estimated], ['settled', reserved_usd, true]);
    assert.deepEqual(await spending(sessionId), { spent_usd: reserved_usd, reserved_usd: 0 });
    assert.ok(books.warnings().some(({ msg }) => msg.includes('could not write down')));
  });

  it('charges a turn that ended without a result for what it asked before', async () => {
    answer();
    const { sessionId, turnId, access } = await books.startSession();
    await books.ask(access, sessionId);
    await books.ask(access, sessionId);
    await endTurn({ sessionId, turnId });
    const { session, turn } = await costs({ sessionId });
    assert.ok(isNear(session, 2 * COST) && turn === session, `${session}, ${turn}`);
  });

  it('puts right what was settled after the end of its turn, or between turns', async () => {
    answer();
    const { sessionId, turnId, access } = await books.startSession();
    books.handle(async (request, response) => {
      request.resume();
      await endTurn({ sessionId, turnId });
      answerMessage(response);
    });
    await books.ask(access, sessionId);
    assert.ok(isNear((await costs({ sessionId })).turn, COST));
    answer();
    await books.ask(access, sessionId);
    const { session, turn } = await costs({ sessionId });
    assert.ok(isNear(session, 2 * COST) && isNear(turn, COST), `${session}, ${turn}`);
  });

  it('counts what was asked between turns to the turn that follows', async () => {
    answer();
    const session = await books.startSession();
    const { sessionId, access } = session;
    await endTurn(session);
    await books.ask(access, sessionId);
    assert.deepEqual(
      (await books.entries(sessionId)).map(({ turn_id }) => turn_id),
      [null],
    );
    const next = { sessionId, turnId: newTurnId() };
    await server.context.database.db
      .insertInto('turns')
      .values({
        id: next.turnId,
        session_id: sessionId,
        tenant_id: 'default',
        number: 2,
        state: 'running',
        prompt: 'hello',
        usage: '{}',
        started_at: new Date(),
      })
      .execute();
    await books.ask(access, sessionId);
    await endTurn(next);
    const { cost_usd, turns } = await client.sessions.get(sessionId);
    assert.deepEqual([turns[0]?.cost_usd, turns[1]?.cost_usd], [0, cost_usd]);
    assert.ok(isNear(cost_usd, 2 * COST));
  });

  it('settles a request once, however often it is told', async () => {
    answer();
    const { sessionId, access } = await books.startSession();
    await books.ask(access, sessionId);
    const [entry] = await books.entries(sessionId);
    assert.ok(entry);
    const used = {
      model: MODEL,
      tokens: { input: 5, output: 5, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, webSearches: 0 },
      isEstimated: false,
      upstreamStatus: 200,
    };
    books.ledger.settle({ sessionId, requestId: entry.id }, used);
    await books.ledger.settled(sessionId);
    assert.deepEqual(await books.entries(sessionId), [entry]);
  });

  it('reserves a request once, however often it is repeated', async () => {
    const { sessionId } = await books.startSession();
    const request = {
      sessionId,
      fence: 1,
      workerId: server.context.workerId,
      model: MODEL,
      bound: dollars(1),
    };
    const { database } = server.context;
    const id = newRequestId();
    for (const isRepeat of [false, true, true]) {
      assert.deepEqual(await reserveUsage(database, { ...request, id, isRepeat }), { verdict: 'reserved' });
    }
    assert.equal((await spending(sessionId)).reserved_usd, 1);
    assert.equal((await books.entries(sessionId)).length, 1);
  });

  it('refuses an activation that is not the newest, without asking the model API', async () => {
    let count = 0;
    books.handle((_request, response) => {
      count += 1;
      response.end('{}');
    });
    const { sessionId, access } = await books.startSession();
    await server.context.database.db
      .updateTable('sessions')
      .set({ fence: 2 })
      .where('id', '=', sessionId)
      .execute();
    assert.equal(await books.ask(access, sessionId), 403);
    const counted = await fetch(`${access.url}/v1/messages/count_tokens`, {
      method: 'POST',
      headers: { 'x-api-key': access.token },
      body: JSON.stringify({ model: MODEL }),
    });
    assert.equal(counted.status, 403);
    assert.equal(count, 0);
    assert.deepEqual(await books.entries(sessionId), []);
  });

  it('gives back what a server had reserved that was killed; what is known later still counts', async () => {
    const { sessionId } = await books.startSession();
    const requestId = await reserve(sessionId);
    await books.ledger.releaseAbandoned();
    assert.ok((await spending(sessionId)).reserved_usd > 0, 'its server lives');
    await server.context.database.db
      .updateTable('usage_ledger')
      .set({ worker_id: randomUUID(), started_at: sql<Date>`now() - interval '2 minutes'` })
      .where('session_id', '=', sessionId)
      .execute();
    await books.ledger.releaseAbandoned();
    assert.deepEqual(await spending(sessionId), { spent_usd: 0, reserved_usd: 0 });
    const tokens = { input: 1, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, webSearches: 0 };
    const used = { model: MODEL, tokens, isEstimated: false, upstreamStatus: 200 };
    books.ledger.settle({ sessionId, requestId }, used);
    await books.ledger.settled(sessionId);
    assert.deepEqual(await spending(sessionId), { spent_usd: 1e-6, reserved_usd: 0 });
  });

  it('writes a request down whose reservation was lost in a crash of the database', async () => {
    const { sessionId, turnId } = await books.startSession({ apiKeyId });
    const tokens = { input: 1, output: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, webSearches: 0 };
    const used = { model: MODEL, tokens, isEstimated: false, upstreamStatus: 200 };
    books.ledger.settle({ sessionId, requestId: randomUUID() }, used);
    await books.ledger.settled(sessionId);
    const [entry] = await books.entries(sessionId);
    assert.deepEqual([entry?.turn_id, entry?.api_key_id, entry?.cost_usd], [turnId, apiKeyId, 1e-6]);
    assert.deepEqual(await spending(sessionId), { spent_usd: 1e-6, reserved_usd: 0 });
  });

  it('counts a model without a price at the default price', async () => {
    books.handle((request, response) => {
      response.setHeader('content-type', 'application/json');
      const usage = { input_tokens: 1, output_tokens: 1 };
      request.resume().on('end', () => response.end(JSON.stringify({ model: 'mystery', usage })));
    });
    const { sessionId, access } = await books.startSession();
    await books.ask(access, sessionId, { model: 'mystery' });
    const [entry] = await books.entries(sessionId);
    assert.ok(isNear(entry?.cost_usd ?? 0, 90e-6), String(entry?.cost_usd));
    assert.deepEqual(books.unknownModels, ['mystery']);
  });

  it('is summed by GET /usage, to the last digit, however it is grouped', async () => {
    const [row] = (
      await sql<{ cost: string; requests: number }>`
        select sum(cost_usd)::text as cost, count(*) as requests from usage_ledger
        where status = 'settled' and tenant_id = 'default'
      `.execute(server.context.database.db)
    ).rows;
    for (const group of ['day', 'model', 'api_key', 'tenant', 'session', 'turn'] as const) {
      const { groups, total, is_truncated } = await client.usage({
        group_by: group,
        from: group === 'turn' ? '2020-01-01' : undefined,
      });
      assert.equal(total.cost_usd, Number(row?.cost), group);
      assert.equal(total.requests, row?.requests);
      assert.equal(is_truncated, false);
      const units = groups.reduce((sum, { cost_usd }) => sum + Math.round(cost_usd * 1e10), 0);
      assert.equal(units, Math.round(total.cost_usd * 1e10), group);
      for (const { key } of groups) assert.deepEqual(Object.keys(key), [group]);
    }
    const both = await client.usage({ group_by: ['model', 'api_key'], model: MODEL, limit: 1 });
    assert.deepEqual([both.groups.length, both.is_truncated], [1, true]);
    assert.deepEqual(both.groups[0]?.key, { model: MODEL, api_key: apiKeyId });
    const later = await client.usage({ from: '2999-01-01' });
    assert.deepEqual([later.groups, later.total.cost_usd], [[], 0]);
    const bad = client.usage({ group_by: 'colour' as 'day' });
    await assert.rejects(bad, (error) => error instanceof GreenroomError && error.status === 422);
    // Of the whole ledger that would be read entry by entry.
    await assert.rejects(client.usage({ group_by: 'turn' }), /turn needs session_id, or from/);
  });

  it('outlives the session', async () => {
    answer();
    const { sessionId, turnId, access } = await books.startSession();
    await books.ask(access, sessionId);
    await endTurn({ sessionId, turnId });
    await client.sessions.delete(sessionId);
    const { total } = await client.usage({ session_id: sessionId });
    assert.ok(isNear(total.cost_usd, COST));
  });
});
