import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { type Answer, startTestServer, type TestServer, temporaryDirectory } from '../support/harness.ts';
import type { Random } from '../support/random.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

export type Reply = Pick<Answer, 'status' | 'body'>;

/** What a request got that no server answered: whether it was carried out is not known. */
const NO_ANSWER: Reply = { status: 0, body: null };
/** Longer than anything that happens to servers or to their database. */
const PATIENCE_MS = 120_000;
/** Of one that was stopped no answer comes for as long as that lasts. */
const ANSWER_MS = 20_000;
const IDLE_TTL_MS = Number(process.env.STRESS_IDLE_TTL ?? 400);

/**
 * Three servers on one database: one that stays, one that is closed and one that is killed while clients use them. Each
 * comes back on its own data directory.
 */
export class LiveServers implements AsyncDisposable {
  /** It stays. */
  readonly first: TestServer;
  readonly #databaseUrl: string;
  readonly #root: string;
  readonly #stack: AsyncDisposableStack;
  #closing: TestServer | null = null;
  #dying: ServerProcess | null = null;
  readonly #closingDirectory: string;
  readonly #dyingDirectory: string;
  readonly log: string[] = [];

  private constructor(started: {
    first: TestServer;
    databaseUrl: string;
    root: string;
    directories: [string, string];
    stack: AsyncDisposableStack;
  }) {
    this.first = started.first;
    this.#databaseUrl = started.databaseUrl;
    this.#root = started.root;
    [this.#closingDirectory, this.#dyingDirectory] = started.directories;
    this.#stack = started.stack;
  }

  /** `root` is where sessions may work. */
  static async start(databaseUrl: string, root: string): Promise<LiveServers> {
    await using stack = new AsyncDisposableStack();
    const directories = [stack.use(await temporaryDirectory()), stack.use(await temporaryDirectory())];
    const [closing = '', dying = ''] = directories.map(({ path }) => path);
    const first = stack.use(await startTestServer({ databaseUrl, config: configOf(root) }));
    const started = { first, databaseUrl, root, directories: [closing, dying] as [string, string] };
    const servers = new LiveServers({ ...started, stack: stack.move() });
    await Promise.all([servers.#open(), servers.#spawn()]);
    return servers;
  }

  async #open(): Promise<void> {
    this.#closing = await startTestServer({
      databaseUrl: this.#databaseUrl,
      dataDir: this.#closingDirectory,
      config: configOf(this.#root),
    });
  }

  async #spawn(): Promise<void> {
    this.#dying = await startServerProcess({
      dataDir: this.#dyingDirectory,
      logLevel: 'error',
      env: {
        // As of the others: agents of all servers work in the same directories.
        GREENROOM_ISOLATION: this.first.config.isolation,
        DATABASE_URL: this.#databaseUrl,
        GREENROOM_MAX_SESSIONS: '3',
        GREENROOM_IDLE_TTL: `${IDLE_TTL_MS}ms`,
        GREENROOM_WORKSPACE_ROOTS: this.#root,
      },
    });
    this.#dying.stderr.on('data', (text) => this.log.push(String(text)));
  }

  /** What the servers in this process do with their sessions. */
  describe(): string {
    const here = [this.first, this.#closing].flatMap((server) => server ?? []);
    return here.map(({ url, context }) => `${url} ${JSON.stringify(context.worker.sessions)}`).join('\n');
  }

  /** Closes one, and opens it again, not before `isOver`. */
  async close(isOver?: Promise<void>): Promise<void> {
    const server = this.#closing;
    this.#closing = null;
    // Without its database it cannot give up what it holds: that lapses.
    if (isOver !== undefined) await server?.[Symbol.asyncDispose]();
    else if (server !== null) await this.#endServer(server);
    await isOver;
    await this.#open();
  }

  /** What a closed server held it has given up. */
  async #endServer(server: TestServer): Promise<void> {
    const { nodeId } = server.context.dataDirectory;
    const { db } = this.first.context.database;
    const { rows: workers } = await sql<{ id: string }>`
      select id from workers where node_id = ${nodeId}
    `.execute(db);
    await server[Symbol.asyncDispose]();
    const ids = workers.map(({ id }) => id);
    const { rows } = await sql<{ id: string }>`
      select id from sessions where worker_id = any(${ids}::uuid[])
    `.execute(db);
    if (rows.length > 0) throw new Error(`a closed server still holds ${JSON.stringify(rows)}`);
  }

  /** Kills one, and starts it again, not before `isOver`. */
  async kill(isOver?: Promise<void>): Promise<void> {
    const server = this.#dying;
    this.#dying = null;
    if (server === null) return;
    server.kill('SIGKILL');
    await server.exited;
    await isOver;
    await this.#spawn();
  }

  /** One gets no processor for so long, as on a machine that is overloaded or was put to sleep. */
  async starve(milliseconds: number): Promise<void> {
    const server = this.#dying;
    server?.kill('SIGSTOP');
    await delay(milliseconds);
    server?.kill('SIGCONT');
  }

  /** Asks any server; one that goes away with the request under way, only again if that is `safe`. */
  async request(
    random: Random,
    call: { method: string; path: string; body?: object; key?: string },
  ): Promise<Reply> {
    const isSafe = call.key !== undefined || call.method === 'GET';
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      const reply = await ask(this.#pick(random), call);
      if (reply.status !== 0 && reply.status !== 503 && reply.body?.code !== 'idempotency_in_flight')
        return reply;
      if (!isSafe) return NO_ANSWER;
      await delay(200);
    }
    throw new Error(`${call.method} ${call.path} was never answered`);
  }

  #pick(random: Random): string {
    const up = [this.#closing, this.#dying].flatMap((server) => server ?? []);
    return random.pick([this.first, ...up]).url;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const [closing, dying] = [this.#closing, this.#dying];
    this.#closing = null;
    this.#dying = null;
    this.#stack.defer(async () => {
      await dying?.[Symbol.asyncDispose]();
      if (closing !== null) await this.#endServer(closing);
    });
    await this.#stack.disposeAsync();
  }
}

function configOf(root: string): NonNullable<Parameters<typeof startTestServer>[0]>['config'] & object {
  return { maxSessions: 3, idleTtl: IDLE_TTL_MS, workspaceRoots: [root] };
}

async function ask(
  url: string,
  { method, path, body, key }: { method: string; path: string; body?: object; key?: string },
): Promise<Reply> {
  try {
    const response = await fetch(url + path, {
      method,
      signal: AbortSignal.timeout(ANSWER_MS),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? null : JSON.parse(text) };
  } catch {
    return NO_ANSWER;
  }
}
