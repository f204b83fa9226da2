import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { putBudget } from '../server/src/access/budget/store.ts';
import { ModelGateway } from '../server/src/engine/gateway/gateway.ts';
import { UsageLedger } from '../server/src/engine/gateway/ledger.ts';
import { PriceList } from '../server/src/engine/gateway/price-list.ts';
import { listPrices } from '../server/src/engine/gateway/prices.ts';
import { demoUpstream } from '../server/src/engine/gateway/upstream.ts';
import { openDataDirectory } from '../server/src/ground/data-directory.ts';
import { createDatabaseClient } from '../server/src/ground/db/client.ts';
import { migrateToLatest } from '../server/src/ground/db/migrate.ts';
import { newSessionId, newTurnId } from '../server/src/ground/ids.ts';
import { createSilentLogger } from '../server/src/ground/log.ts';
import { EmbeddedPostgres } from '../server/src/ground/postgres/embedded-postgres.ts';

// The model gateway as a program of its own, with the database and the budgets that a server has.
const logger = createSilentLogger();
await using stack = new AsyncDisposableStack();
const directory = stack.use(openDataDirectory({ path: process.env.DATA_DIR ?? '' }));
const postgres = stack.use(new EmbeddedPostgres({ dataDirectory: directory.path, logger }));
await postgres.start();
const database = stack.use(createDatabaseClient(postgres.connection, { logger }));
const { db } = database;
await migrateToLatest(db);

const sessionId = newSessionId();
const tenantId = 'bench';
await db
  .insertInto('sessions')
  .values({
    id: sessionId,
    tenant_id: tenantId,
    status: 'running',
    options: '{}',
    metadata: '{}',
    usage: '{}',
    fence: 1,
    max_budget_usd: 1e6,
  })
  .execute();
// What is used between turns is written down in another way, which would take part in the measurement.
await db
  .insertInto('turns')
  .values({
    id: newTurnId(),
    session_id: sessionId,
    tenant_id: tenantId,
    number: 1,
    state: 'running',
    prompt: 'bench',
    usage: '{}',
    started_at: new Date(),
  })
  .execute();
await db.transaction().execute(async (trx) => {
  for (const period of ['day', 'month'] as const) {
    await putBudget(trx, { tenantId, apiKeyId: null, period }, 1e6);
  }
});

const prices = new PriceList(listPrices, () => {});
const accounts = stack.use(new UsageLedger({ database, prices, workerId: randomUUID(), logger }));
const upstream = demoUpstream(process.env.MODEL_URL ?? '');
const gateway = stack.use(new ModelGateway({ upstream, accounts, logger }));
await gateway.start();
// As an isolated agent has it.
const socketPath = join(directory.path, 'gateway.sock');
const { url } = await gateway.admit({ tenantId, sessionId, fence: 1, socketPath, allowedHosts: [] });
process.stdout.write(`listening at ${url} ${socketPath}\n`);
await new Promise((resolve) => process.once('SIGTERM', resolve));
