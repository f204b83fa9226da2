import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Kysely, sql } from 'kysely';
import { createContext } from '../../src/context.ts';
import { createServer } from '../../src/face/server.ts';
import { type Database, QUEUE_SCHEMA } from '../../src/ground/db/database.ts';
import { newSessionId } from '../../src/ground/ids.ts';
import { createSilentLogger } from '../../src/ground/log.ts';
import { BIN } from '../../src/ground/removal/remover.ts';
import { sessionDirectories } from '../../src/session/directories.ts';
import type { EventBus, Signal } from '../../src/session/event/bus.ts';
import { cleanUpSessions } from '../../src/session/service.ts';
import { findDeletedIds } from '../../src/session/store.ts';
import {
  createDatabase,
  startTestServer,
  type TestServer,
  temporaryDirectory,
  testConfig,
} from '../support/harness.ts';
import { type ServerProcess, startServerProcess, until } from '../support/server-process.ts';

const isRoot = process.getuid?.() === 0;
/** `nobody`: PostgreSQL's initdb wants a user with a name. */
const ORDINARY_USER = isRoot ? 65534 : undefined;
/** More than the parameters that a statement may have. */
const MANY = 70_000;

describe('a deleted session', () => {
  const stack = new AsyncDisposableStack();
  let server: TestServer;

  before(async () => {
    server = stack.use(await startTestServer());
  });
  after(async () => await stack.disposeAsync());

  const rootOf = (id: string): string => sessionDirectories(server.context.dataDirectory.path, id).root;
  const jobsOf = async (id: string): Promise<number> => {
    const { rows } = await sql`select from ${sql.table(`${QUEUE_SCHEMA}.job`)}
      where singleton_key = ${id} and state <= 'active'`.execute(server.context.database.db);
    return rows.length;
  };

  const insertEnded = async (count: number): Promise<string[]> => {
    const { rows } = await sql<{ id: string }>`
      insert into sessions (id, tenant_id, status, options, ended_at)
      select gen_random_uuid(), 'default', 'completed', '{}', now() - interval '2 days'
      from generate_series(1, ${count}) returning id`.execute(server.context.database.db);
    return rows.map(({ id }) => id);
  };

  it('leaves neither its directory nor its job behind, also while its process is warm', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    assert.ok(server.context.worker.sessions.some((session) => session.id === id));
    await server.request('DELETE', `/sessions/${id}`);
    assert.equal(await jobsOf(id), 0);
    await server.context.worker.released(id);
    await until('its directory is gone', async () => !existsSync(rootOf(id)));
  });

  it('gets no directory again by a job that was left', async () => {
    const id = newSessionId();
    const { database, queue } = { ...server.context, queue: server.context.sessions.queue };
    await database.db
      .transaction()
      .execute(async (trx) => await queue.send(trx, { id, tenantId: 'default' }));
    server.context.bus.publish([{ type: 'work' }]);
    await until('the job is done', async () => (await jobsOf(id)) === 0);
    await server.context.worker.released(id);
    assert.equal(existsSync(rootOf(id)), false);
  });

  it('may have been replaced by a file, a pipe or a link', async () => {
    const { db } = server.context.database;
    const sessions = join(server.context.dataDirectory.path, 'sessions');
    const ids = Array.from({ length: 3 }, () => newSessionId());
    const [file = '', pipe = '', link = ''] = ids.map((id) => join(sessions, id));
    await writeFile(file, '');
    execFileSync('mkfifo', [pipe]);
    await symlink('/etc', link);
    await db
      .insertInto('deleted_sessions')
      .values(ids.map((id) => ({ id })))
      .execute();
    await server.context.worker.removeDeleted();
    await server.context.remover.settled();
    assert.deepEqual(await readdir(join(sessions, BIN)), []);
    assert.ok([file, pipe, link].every((path) => !existsSync(path)));
    assert.ok(existsSync('/etc/passwd'));
  });

  it('is found among more ids than a statement has parameters', async () => {
    const { db } = server.context.database;
    const id = newSessionId();
    await db.insertInto('deleted_sessions').values({ id }).execute();
    const among = [...Array.from({ length: MANY }, () => randomUUID()), id];
    assert.deepEqual(await findDeletedIds(db, among), [id]);
  });

  it('is one of many: a clean-up deletes them oldest first, some at a time, and none that runs', async () => {
    const running = await server.execute({ prompt: '[demo:hang]' });
    await server.event(running, (event) => event.kind === 'sdk');
    const ids = await insertEnded(1_001);
    const told: string[][] = [];
    const bus = {
      publishEvents: () => {},
      publish: (signals: Signal[]) =>
        void told.push(signals.flatMap((signal) => ('sessionId' in signal ? [signal.sessionId] : []))),
    };
    const filter = { tenantId: 'default', olderThanMs: 86_400_000 };
    const services = { ...server.context.sessions, bus: bus as unknown as EventBus };
    assert.equal(await cleanUpSessions(services, filter), ids.length);
    assert.deepEqual(told.flat(), ids.toSorted());
    assert.ok(told.length > 1 && told.every((batch) => batch.length <= 200));
    assert.equal(await cleanUpSessions(services, filter), 0);
    assert.equal((await server.client.sessions.get(running)).status, 'running');
  });

  it('costs no look at all other sessions for its forks', async () => {
    const { db } = server.context.database;
    const ids = await insertEnded(1_000);
    await sql`analyze sessions`.execute(db);
    const scans = async (trx: Kysely<Database>, name: string): Promise<number> => {
      const { rows } = await sql<{ scans: number }>`
        select pg_stat_get_xact_numscans(${name}::regclass)::int as scans`.execute(trx);
      return rows[0]?.scans ?? assert.fail('no such relation');
    };
    await db.transaction().execute(async (trx) => {
      const before = { index: await scans(trx, 'sessions_by_parent'), table: await scans(trx, 'sessions') };
      await trx.deleteFrom('sessions').where('id', 'in', ids.slice(0, 100)).execute();
      assert.equal((await scans(trx, 'sessions_by_parent')) - before.index, 100);
      // The statement itself may find what it deletes by one look.
      assert.ok((await scans(trx, 'sessions')) - before.table <= 1);
    });
  });
});

it('is ready only when its start is through', async () => {
  await using stack = new AsyncDisposableStack();
  const dataDir = stack.use(await temporaryDirectory()).path;
  const databaseUrl = stack.use(await createDatabase()).url;
  const parts = { logger: createSilentLogger(), agentPath: '/usr/bin:/bin' };
  const context = stack.use(await createContext(testConfig({ dataDir, databaseUrl }), parts));
  stack.defer(async () => await context.worker.drain(0, new AbortController().signal));
  const { app } = await createServer(context);
  stack.defer(async () => await app.close());
  const readiness = async () => (await app.inject({ url: '/readyz' })).json();
  assert.deepEqual((await readiness()).checks, { database: 'ok', accepting: false });
  await context.worker.start();
  assert.equal((await readiness()).status, 'ready');
});

describe('what agents leave in sessions that are deleted', () => {
  const stack = new AsyncDisposableStack();
  let dataDir: string;

  before(async () => {
    dataDir = stack.use(await temporaryDirectory()).path;
    if (ORDINARY_USER !== undefined) await chown(dataDir, ORDINARY_USER, ORDINARY_USER);
  });
  after(async () => await stack.disposeAsync());

  const start = async (): Promise<ServerProcess> =>
    await startServerProcess({
      dataDir,
      user: ORDINARY_USER,
      logLevel: 'error',
      env: { GREENROOM_ISOLATION: 'none' },
    });
  const run = async (server: ServerProcess, command: string): Promise<string> => {
    const id = await server.execute({ prompt: `run: ${command}`, allowed_tools: ['Bash'] });
    await until(
      `${command} has ended`,
      async () => {
        const { status } = (await server.request('GET', `/status/${id}`)).body;
        return status === 'completed' || status === 'error';
      },
      120_000,
    );
    return id;
  };
  const bin = (): string => join(dataDir, 'sessions', BIN);

  it('is deleted, whatever rights it has, and stops no start when it cannot be', async () => {
    const stuck = join('workspace', 'of-root');
    {
      await using server = await start();
      const id = await run(
        server,
        'mkdir -p mod/m@v1 && echo x > mod/m@v1/m.go && chmod -R a-w mod && chmod 0 .',
      );
      const other = await run(server, 'true');
      if (isRoot) {
        const path = join(dataDir, 'sessions', other, stuck);
        await mkdir(path);
        await writeFile(join(path, 'file'), '');
      }
      for (const each of [id, other]) await server.request('DELETE', `/sessions/${each}`);
      const left = isRoot ? 1 : 0;
      await until('they are out of the way', async () => {
        const names = await readdir(join(dataDir, 'sessions'));
        return names.length === 1 && (await readdir(bin())).length === left;
      });
    }
    await using server = await start();
    const warning = async (): Promise<string[]> => {
      const { body } = await server.request('GET', '/readyz');
      assert.equal(body.status, 'ready');
      return body.warnings.filter((text: string) => text.includes('to be deleted'));
    };
    if (isRoot) await until('it says what is left', async () => (await warning()).length === 1);
    else assert.deepEqual(await warning(), []);
  });
});
