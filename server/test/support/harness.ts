import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { Client } from 'pg';
import { z } from 'zod';
import { GreenroomClient } from '../../../client/src/index.ts';
import { type Context, type ContextParts, createContext } from '../../src/context.ts';
import { createServer } from '../../src/face/server.ts';
import type { Config } from '../../src/ground/config/config.ts';
import { loadConfig } from '../../src/ground/config/config.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import type { EventView } from '../../src/session/event/event.ts';
import { globalSetup, globalTeardown } from './global-setup.ts';

/** A whole server in this process: real PostgreSQL, real agents, the demo model as fast as it can. */
export type TestServer = {
  url: string;
  /** For what tests do with the server, unless it is the HTTP of it that they are about. */
  client: GreenroomClient;
  context: Context;
  config: Config;
  request(method: string, path: string, body?: unknown): Promise<Answer>;
  execute(body: object): Promise<string>;
  /** Waits until the session's latest turn has ended, and returns its status. */
  ended(sessionId: string): Promise<StatusAnswer>;
  /** The first event that matches, among those stored and those to come. */
  event(sessionId: string, matches: (event: EventView) => boolean): Promise<EventView>;
  /** The same server, for the holder of a key. */
  as(apiKey: string): TestServer;
  [Symbol.asyncDispose](): Promise<void>;
};

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export type Answer = { status: number; headers: Headers; body: any };
export type StatusAnswer = {
  session_id: string;
  status: string;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  messages: { type: string; content: any; timestamp: string }[];
  // biome-ignore lint/suspicious/noExplicitAny: as above
  result: any;
  error: string | null;
  duration_ms: number | null;
  total_cost_usd: number | null;
};

export type TestServerOptions = {
  config?: Partial<Config>;
  parts?: Partial<ContextParts>;
  /** To be the node of an earlier server; without it the directory is removed at the end. */
  dataDir?: string;
  /** Null is a PostgreSQL of its own, in `dataDir`. */
  databaseUrl?: string | null;
};

/** Where nobody has started a PostgreSQL for the whole run, as `npm test` does, this file has its own. */
let ownPostgres: Promise<void> | undefined;
if (process.env.TEST_POSTGRES_HOST === undefined && process.env.NODE_TEST_CONTEXT !== undefined) {
  after(async () => {
    if (ownPostgres !== undefined) await globalTeardown();
  });
}

/** A copy of the template database; dropped at the end. */
export async function createDatabase(): Promise<{ url: string; [Symbol.asyncDispose](): Promise<void> }> {
  if (process.env.TEST_POSTGRES_HOST === undefined) ownPostgres ??= globalSetup();
  await ownPostgres;
  const {
    TEST_POSTGRES_HOST: host,
    TEST_POSTGRES_USER: user,
    TEST_POSTGRES_PASSWORD: password,
  } = process.env;
  assert(host !== undefined && user !== undefined);
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const run = async (statement: string): Promise<void> => {
    const admin = new Client({ host, user, password, database: 'postgres' });
    await admin.connect();
    await admin.query(statement);
    await admin.end();
  };
  await run(`create database ${name} template greenroom_template`);
  return {
    url: `postgresql://${user}:${password}@localhost/${name}?host=${encodeURIComponent(host)}`,
    [Symbol.asyncDispose]: async () => await run(`drop database ${name} with (force)`),
  };
}

export async function temporaryDirectory(parent = tmpdir()): Promise<{
  path: string;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const path = await mkdtemp(join(parent, 'greenroom-test-'));
  return { path, [Symbol.asyncDispose]: async () => await rm(path, { recursive: true, force: true }) };
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  await using stack = new AsyncDisposableStack();
  const dataDir = options.dataDir ?? stack.use(await temporaryDirectory()).path;
  const databaseUrl =
    options.databaseUrl === undefined ? stack.use(await createDatabase()).url : options.databaseUrl;
  const config = testConfig({ dataDir, databaseUrl, ...options.config });
  const context = stack.use(
    await createContext(config, {
      logger: createSilentLogger(),
      agentPath: '/usr/local/bin:/usr/bin:/bin',
      ...options.parts,
    }),
  );
  stack.defer(async () => assertNoProcesses(context));
  stack.defer(async () => await context.worker.drain(0, new AbortController().signal));
  const server = await createServer(context);
  stack.defer(async () => await server.app.close());
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  await context.worker.start();
  const { port } = server.app.server.address() as AddressInfo;
  const resources = stack.move();
  const dispose = async (): Promise<void> => await resources.disposeAsync();
  return makeClient({ url: `http://127.0.0.1:${port}`, context, dispose, apiKey: undefined });
}

const isolationMode = z.enum(['none', 'bwrap']);

export function testConfig(overrides: Partial<Config>): Config {
  const { config } = loadConfig({
    flags: {},
    env: {},
    cwd: '/',
    machine: { userDataDir: '/nonexistent', isRoot: false, availableMemory: 8 * 2 ** 30, cores: 2 },
  });
  return {
    ...config,
    port: 0,
    // Isolation is the subject of its own tests; every other one can be run with it as well.
    isolation: isolationMode.parse(process.env.TEST_ISOLATION ?? 'none'),
    demoTokensPerSecond: Number.POSITIVE_INFINITY,
    workspaceRoots: [],
    ...overrides,
  };
}

type Access = {
  url: string;
  context: Context;
  dispose: () => Promise<void>;
  apiKey: string | undefined;
};

function makeClient(access: Access): TestServer {
  const { url, context, dispose, apiKey } = access;
  const request = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(url + path, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      },
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? null : JSON.parse(text),
    };
  };
  const client = new GreenroomClient({ baseUrl: url, apiKey });
  const event: TestServer['event'] = async (sessionId, matches) => {
    const signal = AbortSignal.timeout(150_000);
    for await (const found of client.sessions.stream(sessionId, { signal })) {
      if ('seq' in found && matches(found)) return found;
    }
    throw new Error(`session ${sessionId} never had the event that was waited for`);
  };
  return {
    url,
    client,
    context,
    config: context.config,
    request,
    event,
    execute: async (body) => (await client.execute(body)).session_id,
    ended: async (sessionId) => {
      const { turns, last_seq } = await client.sessions.get(sessionId);
      const last = turns.at(-1);
      // What becomes part of another one ends with that.
      let id = last?.steered_into ?? last?.turn_id;
      await event(sessionId, (found) => {
        if (found.kind !== 'turn' || found.turn_id !== id) return false;
        if (found.data.phase === 'steered' && found.seq > last_seq) id = found.data.steered_into ?? id;
        return found.data.phase === 'ended';
      });
      return (await request('GET', `/status/${sessionId}`)).body;
    },
    as: (key) => makeClient({ ...access, apiKey: key }),
    [Symbol.asyncDispose]: dispose,
  };
}

/** What the agent's last message said, of a turn that must have been completed. */
export function answerText(status: StatusAnswer): string {
  assert.equal(status.status, 'completed', status.error ?? '');
  const last = status.messages.findLast((message) => message.type === 'AssistantMessage');
  return last?.content.content.map((block: { text?: string }) => block.text ?? '').join('') ?? '';
}

/** The newest of `count` approvals that the session asked for. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export async function askedBy(server: TestServer, sessionId: string, count = 1): Promise<any> {
  let seen = 0;
  const { data } = await server.event(
    sessionId,
    (found) => found.kind === 'approval' && found.data.phase === 'requested' && ++seen === count,
  );
  return (data as { approval: unknown }).approval;
}

/** While `work` runs, the end of the turn cannot be written down. */
export async function holdingUp<T>(
  { context }: TestServer,
  turnId: string,
  work: () => Promise<T>,
): Promise<T> {
  return await context.database.db.transaction().execute(async (holder) => {
    const row = holder.selectFrom('turns').select('id').where('id', '=', turnId);
    await row.forNoKeyUpdate().execute();
    return await work();
  });
}

/** Pids of processes whose command line or environment names `text`. */
export async function findProcesses(text: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const parts = await Promise.all(
        ['cmdline', 'environ'].map(
          async (file) => await readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => ''),
        ),
      );
      return parts.some((part) => part.includes(text)) && Number(pid) !== process.pid ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

async function assertNoProcesses(context: Context): Promise<void> {
  const left = await findProcesses(context.dataDirectory.mark);
  assert.deepEqual(left, [], 'agent processes outlived their server');
}
