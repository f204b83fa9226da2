import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pino } from 'pino';
import { GreenroomClient } from '../../../client/src/index.ts';
import { createKey } from '../../src/access/api-key/service.ts';
import { type GatewayAccess, ModelGateway } from '../../src/engine/gateway/gateway.ts';
import { UsageLedger } from '../../src/engine/gateway/ledger.ts';
import { PriceList } from '../../src/engine/gateway/price-list.ts';
import { listPrices } from '../../src/engine/gateway/prices.ts';
import { configuredUpstream } from '../../src/engine/gateway/upstream.ts';
import { NO_LIMITS, type Scope } from '../../src/ground/identity.ts';
import { newSessionId, newTurnId } from '../../src/ground/ids.ts';
import type { TestServer } from './harness.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

export const MODEL = 'claude-haiku-4-5';
/** What `answerMessage` says it used. */
export const COST = 1000 * 1e-6 + 200 * 5e-6;

/** A streamed answer, of a thousand tokens to read and 200 written unless it is said. */
export function answerMessage(
  response: ServerResponse,
  { input_tokens, output_tokens } = { input_tokens: 1000, output_tokens: 200 },
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const events = [
    { type: 'message_start', message: { model: MODEL, usage: { input_tokens, output_tokens: 1 } } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hello' } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens } },
    { type: 'message_stop' },
  ];
  response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(''));
}

/** A gateway on a test server's database, with a ledger of its own, before a model API that does what a test says. */
export async function startModelBooks(server: TestServer, parts: { patienceMs?: number } = {}) {
  await using stack = new AsyncDisposableStack();
  const { database } = server.context;
  const { db } = database;
  let handle: Handler = (request, response) => request.resume().on('end', () => answerMessage(response));
  const api = createServer((request, response) => void handle(request, response));
  api.listen(0, '127.0.0.1');
  await once(api, 'listening');
  stack.defer(() => {
    api.closeAllConnections();
    api.close();
  });
  const unknownModels: string[] = [];
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const ledger = stack.use(
    new UsageLedger({
      database,
      prices: new PriceList(listPrices, (model) => unknownModels.push(model)),
      workerId: server.context.workerId,
      logger,
      ...parts,
    }),
  );
  const gateway = stack.use(
    new ModelGateway({
      upstream: configuredUpstream({
        anthropicApiKey: 'the-real-key',
        anthropicAuthToken: null,
        modelIdleTimeout: null,
        anthropicBaseUrl: `http://127.0.0.1:${(api.address() as AddressInfo).port}`,
      }),
      accounts: ledger,
      logger,
    }),
  );
  await gateway.start();

  /** From the first key on, requests to the server need one. */
  const makeKey = async (scope: Scope = 'sessions:write') => {
    const { key, secret } = await createKey(server.context.apiKeys, {
      tenantId: 'default',
      name: scope,
      scopes: [scope],
      limits: NO_LIMITS,
      expiresAt: null,
      createdBy: 'test',
    });
    return { id: key.id, client: new GreenroomClient({ baseUrl: server.url, apiKey: secret }) };
  };

  /** A session with a turn that runs, as its activation would have left it. */
  const startSession = async (
    options: {
      tenantId?: string;
      apiKeyId?: string;
      maxBudgetUsd?: number;
      allowedHosts?: readonly string[];
    } = {},
  ) => {
    const { tenantId = 'default', apiKeyId = null, maxBudgetUsd = null, allowedHosts = null } = options;
    const [sessionId, turnId] = [newSessionId(), newTurnId()];
    await db
      .insertInto('sessions')
      .values({
        id: sessionId,
        tenant_id: tenantId,
        status: 'running',
        options: '{}',
        metadata: '{}',
        usage: '{}',
        api_key_id: apiKeyId,
        max_budget_usd: maxBudgetUsd,
        fence: 1,
        turn_count: 1,
      })
      .execute();
    await db
      .insertInto('turns')
      .values({
        id: turnId,
        session_id: sessionId,
        tenant_id: tenantId,
        number: 1,
        state: 'running',
        prompt: 'hello',
        usage: '{}',
        api_key_id: apiKeyId,
        started_at: new Date(),
      })
      .execute();
    const access = await gateway.admit({ tenantId, sessionId, fence: 1, socketPath: null, allowedHosts });
    return { sessionId, turnId, access };
  };

  /** @returns the status, when the answer is complete and written down; null when it was cut off */
  const ask = async (access: GatewayAccess, sessionId: string, body: object = {}): Promise<number | null> => {
    const response = await fetch(`${access.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': access.token },
      body: JSON.stringify({ model: MODEL, max_tokens: 1000, messages: [], ...body }),
    });
    const text = await response.text().catch(() => null);
    await gateway.settled(sessionId);
    return text === null ? null : response.status;
  };

  const resources = stack.move();
  return {
    ledger,
    gateway,
    makeKey,
    startSession,
    ask,
    unknownModels,
    /** What was logged at `warn` or above. */
    warnings: () => lines.map((line) => JSON.parse(line) as { msg: string }),
    handle: (handler: Handler) => {
      handle = handler;
    },
    entries: async (sessionId: string) =>
      await db
        .selectFrom('usage_ledger')
        .selectAll()
        .where('session_id', '=', sessionId)
        .orderBy('id')
        .execute(),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

export type ModelBooks = Awaited<ReturnType<typeof startModelBooks>>;
