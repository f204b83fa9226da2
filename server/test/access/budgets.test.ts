import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { type GreenroomClient, GreenroomError } from '../../../client/src/index.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import { answerText, startTestServer, type TestServer } from '../support/harness.ts';
import { answerMessage, COST, type ModelBooks, startModelBooks } from '../support/model-books.ts';

describe('a budget', () => {
  let server: TestServer;
  let books: ModelBooks;
  let operator: GreenroomClient;
  before(async () => {
    server = await startTestServer();
    books = await startModelBooks(server);
    operator = (await books.makeKey('operator')).client;
  });
  after(async () => {
    await books[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });
  const budgetOf = async (apiKeyId: string | null) =>
    (await operator.budgets.list()).find((budget) => budget.api_key_id === apiKeyId);
  const spentOf = async (apiKeyId: string): Promise<number> =>
    (await operator.usage({ api_key_id: apiKeyId })).total.cost_usd;

  it('P6: of an API key is overrun by one request at most, while 20 sessions of it run at once', async () => {
    const apiKeyId = (await books.makeKey()).id;
    await operator.budgets.set({ api_key_id: apiKeyId }, 'day', 20.5 * COST);
    books.handle((request, response) => request.resume().on('end', () => answerMessage(response)));
    const sessions = await Promise.all(
      Array.from({ length: 20 }, async () => await books.startSession({ apiKeyId })),
    );
    const answered = await Promise.all(
      sessions.map(async ({ sessionId, access }) => {
        let count = 0;
        while (true) {
          const status = await books.ask(access, sessionId);
          if (status === 402) return count;
          assert.equal(status, 200);
          count += 1;
        }
      }),
    );
    const count = answered.reduce((sum, one) => sum + one, 0);
    assert.equal(count, 21, 'the last request that the rule admits crosses the limit');
    const spent = await spentOf(apiKeyId);
    assert.ok(Math.abs(spent - 21 * COST) < 1e-9);
    const budget = await budgetOf(apiKeyId);
    assert.deepEqual([budget?.spent_usd, budget?.reserved_usd], [spent, 0]);
  });

  it('P6: is overrun by one request, too, when all that costs is not in the bodies', async () => {
    const apiKeyId = (await books.makeKey()).id;
    await operator.budgets.set({ api_key_id: apiKeyId }, 'total', 0.5);
    const answerCost = 300_000 * 1e-6;
    books.handle((request, response) => {
      request.resume().on('end', () => answerMessage(response, { input_tokens: 300_000, output_tokens: 0 }));
    });
    const { access, sessionId } = await books.startSession({ apiKeyId });
    const source = { type: 'url', url: 'https://a.example/1.pdf' };
    const messages = [{ role: 'user', content: [{ type: 'document', source }] }];
    const statuses = await Promise.all(
      Array.from({ length: 25 }, async () => await books.ask(access, sessionId, { max_tokens: 1, messages })),
    );
    assert.deepEqual([...new Set(statuses)].toSorted(), [200, 402]);
    const spent = await spentOf(apiKeyId);
    assert.ok(spent >= 0.5 && spent <= 0.5 + answerCost, `${spent} was spent`);
  });

  it('lets a request wait that only those under way could put over it, and refuses none for that', async () => {
    const apiKeyId = (await books.makeKey()).id;
    await operator.budgets.set({ api_key_id: apiKeyId }, 'total', 1.5 * COST);
    const first = Promise.withResolvers<() => void>();
    books.handle((request, response) => {
      request.resume().on('end', () => first.resolve(() => answerMessage(response)));
    });
    const [one, two] = [await books.startSession({ apiKeyId }), await books.startSession({ apiKeyId })];
    const answered = books.ask(one.access, one.sessionId);
    const end = await first.promise;
    books.handle((request, response) => request.resume().on('end', () => answerMessage(response)));
    const waiting = books.ask(two.access, two.sessionId);
    // Whoever is refused is refused at once: this one is told only after the first has its answer.
    const refused = await books.startSession({ apiKeyId, maxBudgetUsd: 0 });
    assert.equal(await books.ask(refused.access, refused.sessionId), 402);
    assert.deepEqual(await books.entries(two.sessionId), []);
    end();
    assert.deepEqual(await Promise.all([answered, waiting]), [200, 200]);
    assert.equal(await books.ask(two.access, two.sessionId), 402);
  });

  it('asks the agent program to come again when it waited too long', async () => {
    await using impatient = await startModelBooks(server, { patienceMs: 0 });
    const apiKeyId = (await books.makeKey()).id;
    await operator.budgets.set({ api_key_id: apiKeyId }, 'total', COST);
    const reached = Promise.withResolvers<void>();
    impatient.handle(() => reached.resolve());
    const [one, two] = [
      await impatient.startSession({ apiKeyId }),
      await impatient.startSession({ apiKeyId }),
    ];
    const hanging = impatient.ask(one.access, one.sessionId).catch(() => null);
    await reached.promise;
    assert.equal(await impatient.ask(two.access, two.sessionId), 429);
    one.access.revoke();
    await hanging;
  });

  it('counts what was spent in its period before it was set, and begins anew with the next', async () => {
    const apiKeyId = (await books.makeKey()).id;
    books.handle((request, response) => request.resume().on('end', () => answerMessage(response)));
    const { access, sessionId } = await books.startSession({ apiKeyId });
    await books.ask(access, sessionId);
    const set = await operator.budgets.set({ api_key_id: apiKeyId }, 'day', COST);
    assert.ok(Math.abs(set.spent_usd - COST) < 1e-9);
    assert.equal(await books.ask(access, sessionId), 402);
    await sql`update budgets set period_start = period_start - interval '1 day' where api_key_id = ${apiKeyId}`.execute(
      server.context.database.db,
    );
    assert.equal((await budgetOf(apiKeyId))?.spent_usd, 0);
    assert.equal(await books.ask(access, sessionId), 200);
    assert.equal(await books.ask(access, sessionId), 402);
  });

  it('of a tenant holds for all its sessions, and for no other tenant', async () => {
    books.handle((request, response) => request.resume().on('end', () => answerMessage(response)));
    const [mine, theirs] = await Promise.all(
      ['team-a', 'team-b'].map(async (tenantId) => await books.startSession({ tenantId })),
    );
    assert.ok(mine && theirs);
    await operator.budgets.set({ tenant: 'team-a' }, 'month', 0);
    assert.equal(await books.ask(mine.access, mine.sessionId), 402);
    assert.match(mine.access.spentBudget ?? '', /tenant .* a month/);
    assert.equal(await books.ask(theirs.access, theirs.sessionId), 200);
    const removed = await operator.budgets.delete({ tenant: 'team-a' }, 'month');
    assert.deepEqual([removed.scope, removed.limit_usd], ['tenant', 0]);
    assert.equal(await books.ask(mine.access, mine.sessionId), 200);
    const again = operator.budgets.delete({ tenant: 'team-a' }, 'month');
    await assert.rejects(again, (error) => error instanceof GreenroomError && error.code === 'not_found');
  });

  it('of a tenant is for operators to change; administrators give their keys a share of it', async () => {
    const { client: admin } = await books.makeKey('admin');
    const apiKeyId = (await books.makeKey()).id;
    assert.equal((await admin.budgets.set({ api_key_id: apiKeyId }, 'month', 3)).limit_usd, 3);
    const refusals = [
      async () => await admin.budgets.set({ tenant: null }, 'month', 1e6),
      async () => await admin.budgets.list({ tenant: 'team-a' }),
      async () => await admin.usage({ tenant: '*' }),
    ];
    for (const refusal of refusals) {
      await assert.rejects(refusal, (error) => error instanceof GreenroomError && error.status === 403);
    }
    const { groups } = await operator.usage({ tenant: '*', group_by: 'tenant' });
    assert.ok(groups.some(({ key }) => key.tenant === 'team-a'));
  });

  it('is refused for an API key that is not there, below nothing, and for a week', async () => {
    const statusOf = async (asked: Promise<unknown>): Promise<number> =>
      await asked.then(
        () => 200,
        (error: GreenroomError) => error.status,
      );
    const { budgets } = operator;
    assert.equal(await statusOf(budgets.set({ api_key_id: 'nobody' }, 'day', 1)), 404);
    assert.equal(await statusOf(budgets.set({ tenant: null }, 'day', -1)), 422);
    assert.equal(await statusOf(budgets.set({ tenant: null }, 'week' as 'day', 1)), 422);
  });
});

describe('the budget of a session', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  /** A turn whose first answer spends the budget, and whose tool then waits for `goOn`. */
  async function startHeld(): Promise<{ id: string; goOn: () => Promise<void> }> {
    const id = await server.execute({
      prompt: 'run: until [ -e go ]; do sleep 0.02; done',
      allowed_tools: ['Bash'],
      max_budget_usd: 0.0001,
    });
    await server.event(
      id,
      (found) => found.kind === 'sdk' && JSON.stringify(found.data).includes('"tool_use"'),
    );
    const marker = join(sessionDirectories(server.config.dataDir, id).workspace, 'go');
    return { id, goOn: async () => await writeFile(marker, '') };
  }

  it('ends the turn in its middle as budget_exceeded; the session waits, and goes on when it is raised', async () => {
    const { id, goOn } = await startHeld();
    await goOn();
    const { status, error } = await server.ended(id);
    assert.equal(status, 'error');
    assert.match(
      error ?? '',
      /^The session has cost \$\d.* of its budget of \$0\.0001\. Raise max_budget_usd/,
    );
    const { turns } = await server.client.sessions.get(id);
    assert.equal(turns[0]?.error?.code, 'budget_exceeded');
    assert.ok((turns[0]?.cost_usd ?? 0) > 0.0001);
    await server.client.sessions.update(id, { max_budget_usd: 1 });
    await server.client.sessions.messages.send(id, { prompt: 'what is 2 + 2?' });
    assert.equal(answerText(await server.ended(id)), '2 + 2 = 4');
  });

  it('is raised for the turn that runs as well', async () => {
    const { id, goOn } = await startHeld();
    await server.client.sessions.update(id, { max_budget_usd: 1 });
    await goOn();
    assert.match(answerText(await server.ended(id)), /I ran/);
  });
});
