import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { sql } from 'kysely';
import { pino } from 'pino';
import { putBudget } from '../../src/access/budget/store.ts';
import { runRetention } from '../../src/access/retention/retention.ts';
import { readUsage } from '../../src/access/usage/store.ts';
import { type UsageGroup, type UsageReport, usageGroup, usageQuery } from '../../src/access/usage/usage.ts';
import { newRequestId, newSessionId, newTurnId } from '../../src/ground/ids.ts';
import { dollars } from '../../src/ground/util/money.ts';
import { lockSession } from '../../src/session/store.ts';
import { settleTurn } from '../../src/session/turn/store.ts';
import { chargeTurn } from '../../src/session/usage/charge.ts';
import { releaseUsage, reserveUsage, settleUsage } from '../../src/session/usage/store.ts';
import { noTokens } from '../../src/session/usage/tokens.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';

const DAY_MS = 86_400_000;
const MODELS = ['opus', 'haiku'];
/** Of the ledger, as far as it is summed. */
type Entry = {
  tenant_id: string;
  session_id: string;
  turn_id: string | null;
  api_key_id: string | null;
  model: string;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  web_searches: number;
  cost_usd: number;
  started_at: Date;
};
type Figures = UsageReport['total'];

const session = fc.nat(3);
const tokens = fc.record({
  input: fc.nat(5_000),
  output: fc.nat(500),
  cacheRead: fc.nat(9_000),
  cacheWrite5m: fc.nat(50),
  cacheWrite1h: fc.nat(50),
  webSearches: fc.nat(2),
});
const settlement = fc.record({ cents: fc.nat(100), model: fc.constantFrom(...MODELS), tokens });
/** What happens to the ledger; a request is named by a number among those that were made. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), session, hoursAgo: fc.nat(24 * 6) }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('settle' as const), request: fc.nat(50), settlement }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), request: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('settleUnknown' as const), session, settlement }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('endTurn' as const), session }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

describe('the sums over the ledger', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());
  const db = () => server.context.database.db;

  const startTurn = async (sessionId: string, tenantId: string, number: number): Promise<void> => {
    const turn = { id: newTurnId(), session_id: sessionId, tenant_id: tenantId, number };
    const running = { state: 'running' as const, prompt: 'hello', usage: '{}', started_at: new Date() };
    const apiKeyId = number % 2 === 0 ? null : 'a-key';
    await db()
      .insertInto('turns')
      .values({ ...turn, ...running, api_key_id: apiKeyId })
      .execute();
  };
  const makeSession = async (index: number) => {
    const made = { id: newSessionId(), tenantId: index === 0 ? 'acme' : 'default', turns: 1 };
    await db()
      .insertInto('sessions')
      .values({
        id: made.id,
        tenant_id: made.tenantId,
        status: 'running',
        options: '{}',
        metadata: '{}',
        usage: '{}',
        fence: 1,
        turn_count: 1,
        api_key_id: 'another-key',
      })
      .execute();
    await startTurn(made.id, made.tenantId, 1);
    return made;
  };
  type Made = Awaited<ReturnType<typeof makeSession>>;

  const ask = async ({ id }: Made, hoursAgo: number) => {
    const request = { id: newRequestId(), sessionId: id, fence: 1, workerId: server.context.workerId };
    const reservation = { ...request, model: 'asked-for', bound: dollars(9), isRepeat: false };
    assert.deepEqual(await reserveUsage(server.context.database, reservation), { verdict: 'reserved' });
    const startedAt = new Date(Date.now() - hoursAgo * 3_600_000);
    await db()
      .updateTable('usage_ledger')
      .set({ started_at: startedAt })
      .where('id', '=', request.id)
      .execute();
    return { requestId: request.id, sessionId: id };
  };
  const settle = async (
    request: { requestId: string; sessionId: string },
    { cents, ...used }: { cents: number; model: string; tokens: typeof noTokens },
  ): Promise<void> => {
    const settled = { status: 'settled' as const, isEstimated: false, upstreamStatus: 200 };
    const late = await settleUsage(db(), request, { ...settled, ...used, cost: dollars(cents / 100) });
    if (late !== null) await charge({ id: late.sessionId }, late.turnId);
  };
  const charge = async ({ id }: { id: string }, turnId: string | null): Promise<void> => {
    await db()
      .transaction()
      .execute(async (trx) => {
        await lockSession(trx, { tenantId: 'default', id });
        await chargeTurn(trx, { sessionId: id, turnId });
      });
  };
  const endTurn = async (made: Made): Promise<void> => {
    const running = db().selectFrom('turns').select('id').where('session_id', '=', made.id);
    const turn = await running.where('state', '=', 'running').executeTakeFirst();
    if (turn === undefined) {
      await startTurn(made.id, made.tenantId, ++made.turns);
      return;
    }
    const { id } = turn;
    await db()
      .transaction()
      .execute(async (trx) => {
        await settleTurn(trx, id);
        await chargeTurn(trx, { sessionId: made.id, turnId: id });
        await trx.updateTable('turns').set({ state: 'completed' }).where('id', '=', id).execute();
      });
    made.turns += 1;
    // What is asked until it has begun belongs to none.
    if (made.turns % 2 === 0) await startTurn(made.id, made.tenantId, made.turns);
  };

  const play = async (steps: readonly Step[]): Promise<Made[]> => {
    const made = [await makeSession(0), await makeSession(1), await makeSession(2), await makeSession(3)];
    const sessionOf = (index: number): Made => made[index] ?? assert.fail();
    const requests: { requestId: string; sessionId: string }[] = [await ask(sessionOf(1), 0)];
    const requestOf = (index: number) => requests[index % requests.length] ?? assert.fail();
    for (const one of steps) {
      if (one.do === 'ask') requests.push(await ask(sessionOf(one.session), one.hoursAgo));
      else if (one.do === 'settle') await settle(requestOf(one.request), one.settlement);
      else if (one.do === 'release') await releaseUsage(db(), requestOf(one.request).requestId);
      else if (one.do === 'endTurn') await endTurn(sessionOf(one.session));
      else await settle({ requestId: randomUUID(), sessionId: sessionOf(one.session).id }, one.settlement);
    }
    return made;
  };

  const readLedger = async (): Promise<Entry[]> =>
    await db().selectFrom('usage_ledger').selectAll().where('status', '=', 'settled').execute();
  const forgetAll = async (): Promise<void> => {
    await sql`truncate sessions, usage_ledger, usage_days, usage_tenant_days, usage_session_days cascade`.execute(
      db(),
    );
    await sql`update ledger_start set day = '-infinity'`.execute(db());
  };
  const run = async (steps: readonly Step[], check: (made: Made[]) => Promise<void>): Promise<void> => {
    await forgetAll();
    await check(await play(steps));
  };
  const retain = async (ledgerRetention: number): Promise<void> => {
    const errors: string[] = [];
    const logger = pino({ level: 'warn' }, { write: (line) => errors.push(line) });
    await runRetention(server.context.sessions, { ...server.config, ledgerRetention }, logger);
    assert.deepEqual(errors, []);
  };
  const steps = fc.array(step, { minLength: 10, maxLength: 40 });
  const runs = { numRuns: 8, endOnFailure: true };

  it('are those of its entries, whatever happens to requests, turns and sessions', async () => {
    const same = async (made: Made[]): Promise<void> => {
      for (const [table, by] of [
        ['usage_tenant_days', sql`tenant_id, model`],
        ['usage_days', sql`tenant_id, model, api_key_id`],
        ['usage_session_days', sql`tenant_id, model, api_key_id, session_id`],
      ] as const) {
        const kinds = sql`input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, web_searches, cost_usd`;
        const { rows } = await sql`
          with summed as (
            select (started_at at time zone 'UTC')::date as day, ${by}, count(*) as requests, sum(input_tokens) as input_tokens,
              sum(output_tokens) as output_tokens, sum(cache_read_tokens) as cache_read_tokens,
              sum(cache_write_tokens) as cache_write_tokens, sum(web_searches) as web_searches, sum(cost_usd) as cost_usd
            from usage_ledger where status = 'settled' group by day, ${by}
          ), kept as (select day, ${by}, requests, ${kinds} from ${sql.id(table)})
          (select 'missing', * from summed except all select 'missing', * from kept)
          union all (select 'too many', * from kept except all select 'too many', * from summed)
        `.execute(db());
        assert.deepEqual(rows, [], table);
      }
      for (const { id } of made) {
        await charge({ id }, null);
        const row = db().selectFrom('sessions').select(['cost_usd', 'usage']).where('id', '=', id);
        const { rows } = await sql<Record<string, number>>`
          select coalesce(sum(cost_usd), 0) as cost_usd, coalesce(sum(input_tokens), 0) as input_tokens,
            coalesce(sum(output_tokens), 0) as output_tokens, coalesce(sum(cache_read_tokens), 0) as cache_read_input_tokens,
            coalesce(sum(cache_write_tokens), 0) as cache_creation_input_tokens
          from usage_ledger where status = 'settled' and session_id = ${id}`.execute(db());
        const { cost_usd, ...usage } = rows[0] ?? assert.fail();
        assert.deepEqual(await row.executeTakeFirstOrThrow(), { cost_usd, usage });
      }
    };
    await fc.assert(
      fc.asyncProperty(steps, async (all) => await run(all, same)),
      runs,
    );
  });

  const span = fc.record({ from: fc.option(fc.nat(24 * 7)), to: fc.option(fc.nat(24 * 7)) });
  const question = fc.record({
    span,
    isWholeDays: fc.boolean(),
    groups: fc.uniqueArray(fc.constantFrom(...usageGroup.options), { minLength: 1, maxLength: 3 }),
    isOfSession: fc.boolean(),
    model: fc.option(fc.constantFrom(...MODELS)),
    isOfAllTenants: fc.boolean(),
  });
  type Question = typeof question extends fc.Arbitrary<infer Value> ? Value : never;

  /** @param known the entries, each as far as it is to be known by now */
  const answersRight = async (asked: Question, made: Made[], known: Entry[]): Promise<void> => {
    const hours = (ago: number | null): Date | undefined => {
      if (ago === null) return undefined;
      const at = Date.now() - ago * 3_600_000;
      return new Date(asked.isWholeDays ? at - (at % DAY_MS) : at);
    };
    const query = {
      ...usageQuery.parse({}),
      group_by: asked.groups,
      from: hours(asked.span.from),
      to: hours(asked.span.to),
      model: asked.model ?? undefined,
      session_id: asked.isOfSession ? made[1]?.id : undefined,
    };
    const { from = new Date(0), to = new Date(8e15) } = query;
    const matching = known.filter(
      (entry) =>
        (asked.isOfAllTenants || entry.tenant_id === 'default') &&
        (query.session_id ?? entry.session_id) === entry.session_id &&
        (query.model ?? entry.model) === entry.model &&
        entry.started_at >= from &&
        entry.started_at < to,
    );
    const keysOf = (entry: Entry): Record<UsageGroup, string | null> => ({
      day: entry.started_at.toISOString().slice(0, 10),
      model: entry.model,
      api_key: entry.api_key_id,
      tenant: entry.tenant_id,
      session: entry.session_id,
      turn: entry.turn_id,
    });
    const grouped = Map.groupBy(matching, (entry) =>
      JSON.stringify(asked.groups.map((group) => keysOf(entry)[group])),
    );
    const report = await readUsage(db(), asked.isOfAllTenants ? null : 'default', query);
    const given = new Map(
      report.groups.map(({ key, ...sums }) => [
        JSON.stringify(asked.groups.map((group) => key[group])),
        sums,
      ]),
    );
    assert.deepEqual([...given.keys()].toSorted(), [...grouped.keys()].toSorted());
    for (const [key, entries] of grouped) assert.deepEqual(given.get(key), sum(entries), key);
    assert.deepEqual(report.total, sum(matching));
  };

  it('answer GET /usage for any span of time and any grouping as the entries would', async () => {
    const property = fc.asyncProperty(
      steps,
      fc.array(question, { minLength: 12, maxLength: 12 }),
      (all, asked) =>
        run(all, async (made) => {
          const entries = await readLedger();
          for (const one of asked) await answersRight(one, made, entries);
        }),
    );
    await fc.assert(property, runs);
  });

  it('stay when entries are deleted: of those days requests count as begun with the day, without their turns', async () => {
    const property = fc.asyncProperty(
      steps,
      fc.array(question, { minLength: 12, maxLength: 12 }),
      (all, asked) =>
        run(all, async (made) => {
          const before = await readLedger();
          for (const one of made) await endTurn(one);
          await retain(3 * DAY_MS);
          const start = new Date(Math.floor((Date.now() - 3 * DAY_MS) / DAY_MS) * DAY_MS);
          const left = await readLedger();
          assert.ok(left.every(({ started_at }) => started_at >= start));
          assert.equal(left.length, before.filter(({ started_at }) => started_at >= start).length);
          const known = before.map((entry) => {
            if (entry.started_at >= start) return left.find((one) => isSame(one, entry)) ?? assert.fail();
            const day = new Date(entry.started_at.getTime() - (entry.started_at.getTime() % DAY_MS));
            return { ...entry, turn_id: null, started_at: day };
          });
          for (const one of asked) await answersRight(one, made, known);
          const report = await readUsage(db(), null, usageQuery.parse({}));
          assert.equal(report.ledger_start, start.toISOString().slice(0, 10));
        }),
    );
    await fc.assert(property, runs);
  });

  it('spare the end of a turn a look at all that its session has asked before', async () => {
    await forgetAll();
    const made = await makeSession(1);
    await settle(await ask(made, 0), { cents: 50, model: 'opus', tokens: noTokens });
    await sql`
      insert into usage_ledger (id, tenant_id, session_id, turn_id, model, status)
      select gen_random_uuid(), 'default', ${made.id}, gen_random_uuid(), 'opus', 'settled'
      from generate_series(1, 3000)`.execute(db());
    await sql`analyze usage_ledger`.execute(db());
    const turn = db().selectFrom('turns').select('id').where('session_id', '=', made.id);
    const { id: turnId } = await turn.executeTakeFirstOrThrow();
    await db()
      .transaction()
      .execute(async (trx) => {
        assert.equal((await chargeTurn(trx, { sessionId: made.id, turnId })).cost_usd, 0.5);
        const { rows } = await sql<{ count: number }>`
          select pg_stat_get_xact_tuples_returned('usage_ledger'::regclass)
            + pg_stat_get_xact_tuples_fetched('usage_ledger'::regclass)
            + sum(pg_stat_get_xact_tuples_fetched(indexrelid)) as count
          from pg_index where indrelid = 'usage_ledger'::regclass`.execute(trx);
        const count = rows[0]?.count ?? 0;
        // The planner may look at some hundred as well.
        assert.ok(count >= 1 && count < 1_000, `${count} entries were read`);
      });
  });

  it('are what a budget counts that is set later, also of days whose requests are deleted', async () => {
    await forgetAll();
    const made = await makeSession(1);
    const one = { cents: 50, model: 'opus', tokens: noTokens };
    for (const hoursAgo of [0, 24 * 60, 24 * 400]) await settle(await ask(made, hoursAgo), one);
    await endTurn(made);
    const set = async (period: 'day' | 'total', apiKeyId: string | null): Promise<number> => {
      const key = { tenantId: 'default', apiKeyId, period };
      return await db()
        .transaction()
        .execute(async (trx) => (await putBudget(trx, key, 100)).spent_usd);
    };
    const all = async (): Promise<number[]> => [
      ...[await set('total', null), await set('day', null)],
      ...[await set('total', 'a-key'), await set('total', 'another-key')],
    ];
    assert.deepEqual(await all(), [1.5, 0.5, 1.5, 0]);
    await retain(30 * DAY_MS);
    assert.equal((await readLedger()).length, 1);
    assert.deepEqual(await all(), [1.5, 0.5, 1.5, 0]);
    const { rows } = await sql`select spent_usd from budgets where spent_usd > 1`.execute(db());
    assert.equal(rows.length, 2, 'as they were counted');
  });

  it('keep the cost of a turn that runs for longer than its requests are kept', async () => {
    await forgetAll();
    const made = await makeSession(1);
    const one = { cents: 7, model: 'opus', tokens: noTokens };
    await settle(await ask(made, 24 * 9), one);
    await ask(made, 24 * 9);
    await retain(DAY_MS);
    await settle(await ask(made, 0), one);
    await endTurn(made);
    const turn = db().selectFrom('turns').select('cost_usd').where('session_id', '=', made.id);
    assert.equal((await turn.orderBy('number').executeTakeFirstOrThrow()).cost_usd, 0.14);
    await retain(DAY_MS);
    const left = await db().selectFrom('usage_ledger').select(['status', 'cost_usd']).orderBy('id').execute();
    assert.deepEqual(left, [
      { status: 'reserved', cost_usd: 0 },
      { status: 'settled', cost_usd: 0.07 },
    ]);
  });
});

const isSame = (one: Entry & { id?: string }, other: Entry & { id?: string }): boolean => one.id === other.id;

function sum(entries: readonly Entry[]): Figures {
  const total = (kind: keyof Figures & keyof Entry): number =>
    entries.reduce((all, entry) => all + entry[kind], 0);
  return {
    requests: entries.length,
    input_tokens: total('input_tokens'),
    output_tokens: total('output_tokens'),
    cache_read_tokens: total('cache_read_tokens'),
    cache_write_tokens: total('cache_write_tokens'),
    web_searches: total('web_searches'),
    cost_usd: entries.reduce((all, { cost_usd }) => all + Math.round(cost_usd * 100), 0) / 100,
  };
}
