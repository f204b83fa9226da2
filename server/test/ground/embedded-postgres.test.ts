import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setInterval } from 'node:timers/promises';
import { Client } from 'pg';
import { openDataDirectory } from '../../src/ground/data-directory.ts';
import { StartupError } from '../../src/ground/errors.ts';
import { EmbeddedPostgres } from '../../src/ground/postgres/embedded-postgres.ts';
import { findPostgresAccount } from '../../src/ground/postgres/postgres-account.ts';
import { findPostgresBinaries } from '../../src/ground/postgres/postgres-binaries.ts';

const isRoot = process.getuid?.() === 0;
const options = { timeout: 60_000 };

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  for await (const _ of setInterval(20)) {
    if (condition()) return;
    assert.ok(Date.now() < deadline, `waited in vain until ${what}`);
  }
}

/** A parent for data directories. Fails the test if a process that works in it is left. */
function temporaryDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'greenroom-test-'));
  if (isRoot) chmodSync(path, 0o711);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await until(() => processesIn(path).length === 0, `nothing works in ${path}`);
      rmSync(path, { recursive: true });
    },
  };
}

function processesIn(path: string): string[] {
  const lines = execFileSync('ps', ['-ww', '-eo', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(path));
}

function createLogger() {
  const messages = new EventEmitter();
  const log = (_: object, message: string) => messages.emit(message);
  return { messages, info: log, warn: log, error: log };
}

async function startPostgres(dataDirectory: string, logger = createLogger()): Promise<EmbeddedPostgres> {
  mkdirSync(dataDirectory, { recursive: true, mode: isRoot ? 0o711 : 0o700 });
  const postgres = new EmbeddedPostgres({ dataDirectory, logger });
  await postgres.start();
  return postgres;
}

async function query(postgres: EmbeddedPostgres, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client(postgres.connection);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

function postmasterPid(dataDirectory: string): number {
  return Number.parseInt(readFileSync(join(dataDirectory, 'postgres', 'postmaster.pid'), 'utf8'), 10);
}

function processField(pid: number | undefined, field: string): string {
  return spawnSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
}

function isAlive(pid: number | undefined): boolean {
  const state = processField(pid, 'stat');
  return state !== '' && !state.startsWith('Z');
}

/** A copy of the package with the binaries, to be spoiled. */
function installBinaries(parent: string): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const installed = dirname(dirname(createRequire(import.meta.resolve('../../src/main.ts')).resolve(name)));
  cpSync(installed, join(parent, 'package'), { recursive: true, verbatimSymlinks: true });
  return join(parent, 'package');
}

/** A server process that holds a data directory, and adds a row to its database; disposing kills it. */
async function startServer(dataDirectory: string, { withPostgres }: { withPostgres: boolean }) {
  const script = `
    import { Client } from 'pg';
    import { openDataDirectory } from '${import.meta.resolve('../../src/ground/data-directory.ts')}';
    import { EmbeddedPostgres } from '${import.meta.resolve('../../src/ground/postgres/embedded-postgres.ts')}';
    const directory = openDataDirectory({ path: process.argv[1] });
    directory.describe({ url: 'http://127.0.0.1:8123' });
    if (${withPostgres}) {
      const logger = { info() {}, warn() {}, error() {} };
      const postgres = new EmbeddedPostgres({ dataDirectory: directory.path, logger });
      await postgres.start();
      const client = new Client(postgres.connection);
      await client.connect();
      await client.query('create table if not exists kept (n int)');
      await client.query('insert into kept values (1)');
    }
    const { nodeId } = directory;
    setInterval(() => {}, 1_000_000);
    setImmediate(() => {
      // Nothing refers to the directory any more; it must stay locked.
      gc();
      console.log(nodeId);
    });
  `;
  const child = spawn(
    process.execPath,
    ['--expose-gc', '--input-type=module', '--eval', script, dataDirectory],
    {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const line = once(createInterface(child.stdout), 'line');
  const [nodeId] = await Promise.race([line, exited.then(() => assert.fail('the server ended'))]);
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  return { child, nodeId: String(nodeId), kill, [Symbol.asyncDispose]: kill };
}

test('data outlives a stop and a start', options, async () => {
  await using temporary = temporaryDirectory();
  const dataDirectory = join(temporary.path, 'data');
  {
    await using postgres = await startPostgres(dataDirectory);
    await query(postgres, 'create table kept as select 1 as n');
  }
  await using postgres = await startPostgres(dataDirectory);
  assert.deepEqual(await query(postgres, 'select n from kept'), [{ n: 1 }]);
  assert.deepEqual(await query(postgres, "select lower('ÄÖ') as folded, 'B' < 'a' as by_code_point"), [
    { folded: 'äö', by_code_point: true },
  ]);
});

test(
  'a second server on a data directory is told who holds it, and gets it when that one dies',
  options,
  async () => {
    await using temporary = temporaryDirectory();
    const path = join(temporary.path, 'data');
    await using server = await startServer(path, { withPostgres: false });
    assert.throws(
      () => openDataDirectory({ path }),
      (error) =>
        error instanceof StartupError &&
        error.message.includes(`process ${server.child.pid} `) &&
        error.message.includes('http://127.0.0.1:8123') &&
        /since \d{4}-/.test(error.message),
    );
    await server.kill();
    using directory = openDataDirectory({ path });
    assert.equal(directory.nodeId, server.nodeId);
    assert.throws(() => openDataDirectory({ path }), StartupError);
  },
);

test('a data directory that cannot be one is explained', options, async () => {
  await using temporary = temporaryDirectory();
  const file = join(temporary.path, 'file');
  writeFileSync(file, '');
  for (const path of [file, join(file, 'data')]) {
    assert.throws(() => openDataDirectory({ path }), { name: 'StartupError', message: /is a file/ });
  }
  if (isRoot) return;
  const readOnly = join(temporary.path, 'read-only');
  mkdirSync(readOnly, { mode: 0o500 });
  for (const path of [readOnly, join(readOnly, 'data')]) {
    assert.throws(() => openDataDirectory({ path }), { name: 'StartupError', message: /not writable/ });
  }
});

test('PostgreSQL ends with a server that is killed, and committed rows are kept', options, async () => {
  await using temporary = temporaryDirectory();
  const dataDirectory = join(temporary.path, 'data');
  await using server = await startServer(dataDirectory, { withPostgres: true });
  assert.notEqual(processesIn(dataDirectory).length, 0);
  await server.kill();
  await until(() => processesIn(dataDirectory).length === 0, 'PostgreSQL is gone');
  await using postgres = await startPostgres(dataDirectory);
  assert.deepEqual(await query(postgres, 'select n from kept'), [{ n: 1 }]);
});

test(
  'a server that starts while the PostgreSQL of a killed one still stops takes over',
  options,
  async () => {
    await using temporary = temporaryDirectory();
    const dataDirectory = join(temporary.path, 'data');
    for (let kills = 0; kills < 3; kills++) {
      await using _ = await startServer(dataDirectory, { withPostgres: true });
    }
    await using postgres = await startPostgres(dataDirectory);
    assert.deepEqual(await query(postgres, 'select count(*)::int as n from kept'), [{ n: 3 }]);
  },
);

test('a postmaster that nobody watches any more is stopped by the next start', options, async () => {
  await using temporary = temporaryDirectory();
  const dataDirectory = join(temporary.path, 'data');
  await using server = await startServer(dataDirectory, { withPostgres: true });
  server.child.kill('SIGSTOP');
  for (const line of processesIn(dataDirectory)) {
    if (line.includes('/bin/sh -c')) process.kill(Number.parseInt(line, 10), 'SIGKILL');
  }
  await server.kill();
  const orphan = postmasterPid(dataDirectory);
  assert.ok(isAlive(orphan));
  await using postgres = await startPostgres(dataDirectory);
  assert.ok(!isAlive(orphan));
  assert.deepEqual(await query(postgres, 'select n from kept'), [{ n: 1 }]);
});

test(
  'a pid file that names another live program is no obstacle, and that program lives on',
  options,
  async () => {
    await using temporary = temporaryDirectory();
    const dataDirectory = join(temporary.path, 'data');
    const pidFile = join(dataDirectory, 'postgres', 'postmaster.pid');
    let lines: string[] = [];
    {
      await using _ = await startPostgres(dataDirectory);
      lines = readFileSync(pidFile, 'utf8').split('\n');
    }
    const account = findPostgresAccount(join(dataDirectory, 'postgres'));
    const stranger = spawn('sleep', ['1000'], { ...account, stdio: 'ignore' });
    using _ = { [Symbol.dispose]: () => stranger.kill() };
    await once(stranger, 'spawn');
    const stale = [stranger.pid, ...lines.slice(1)].join('\n');
    writeFileSync(pidFile, stale);
    mkdirSync(join(dataDirectory, 'run'), { mode: 0o700 });
    writeFileSync(join(dataDirectory, 'run', '.s.PGSQL.5432.lock'), stale);
    await using postgres = await startPostgres(dataDirectory);
    assert.equal((await query(postgres, 'select 1')).length, 1);
    assert.ok(isAlive(stranger.pid));
  },
);

test('a postmaster that is killed comes back by itself, each time', options, async () => {
  await using temporary = temporaryDirectory();
  const dataDirectory = join(temporary.path, 'data');
  const logger = createLogger();
  await using postgres = await startPostgres(dataDirectory, logger);
  await query(postgres, 'create table kept as select 1 as n');
  for (let kills = 0; kills < 2; kills++) {
    const isBack = once(logger.messages, 'PostgreSQL is back');
    process.kill(postmasterPid(dataDirectory), 'SIGKILL');
    await isBack;
    assert.deepEqual(await query(postgres, 'select n from kept'), [{ n: 1 }]);
  }
});

test('stopping it while it starts, or waits to start again, leaves nothing running', options, async () => {
  await using temporary = temporaryDirectory();
  const dataDirectory = join(temporary.path, 'data');
  const logger = createLogger();
  {
    await using _ = await startPostgres(dataDirectory, logger);
    const isDown = once(logger.messages, 'PostgreSQL is down; starting it again');
    process.kill(postmasterPid(dataDirectory), 'SIGKILL');
    await isDown;
  }
  const postgres = new EmbeddedPostgres({ dataDirectory, logger });
  const rejected = assert.rejects(postgres.start());
  await until(() => processesIn(`-D ${dataDirectory}/postgres`).length > 0, 'it is starting');
  await postgres[Symbol.asyncDispose]();
  assert.deepEqual(processesIn(dataDirectory), []);
  await rejected;
});

test('nobody gets into it without its password, which only the data directory tells', options, async () => {
  await using temporary = temporaryDirectory();
  await using postgres = await startPostgres(temporary.path);
  const { password, ...connection } = postgres.connection;
  for (const user of [connection.user, 'postgres']) {
    for (const database of [connection.database, 'postgres', 'template1']) {
      const client = new Client({ ...connection, user, database, password: 'another' });
      await assert.rejects(client.connect(), { code: '28P01' });
    }
  }
  assert.equal((await query(postgres, 'select 1')).length, 1);
  assert.match(password, /^[\w-]{32}$/);
  const file = join(temporary.path, 'postgres-password');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(statSync(join(temporary.path, 'postgres', 'pg_hba.conf')).mode & 0o777, 0o600);
  const log = readFileSync(join(temporary.path, 'postgres.log'), 'utf8');
  const shown = [log, ...processesIn(temporary.path), ...processesIn('postgres')].join('\n');
  assert.ok(!shown.includes(password) && !shown.includes('SCRAM-SHA-256'));
});

test('a cluster that let everybody in gets a password, and keeps its data', options, async () => {
  await using temporary = temporaryDirectory();
  const rules = join(temporary.path, 'postgres', 'pg_hba.conf');
  {
    await using postgres = await startPostgres(temporary.path);
    await query(postgres, 'create table kept (n int)');
    await query(postgres, 'alter role greenroom password null');
  }
  writeFileSync(rules, 'local all all trust\nhost all all 127.0.0.1/32 trust\n');
  rmSync(join(temporary.path, 'postgres-password'));
  await using postgres = await startPostgres(temporary.path);
  assert.doesNotMatch(readFileSync(rules, 'utf8'), /trust|^host/m);
  assert.deepEqual(await query(postgres, 'select n from kept'), []);
  const client = new Client({ ...postgres.connection, password: 'another' });
  await assert.rejects(client.connect(), { code: '28P01' });
});

test('a password that was lost is replaced', options, async () => {
  await using temporary = temporaryDirectory();
  const file = join(temporary.path, 'postgres-password');
  const first = await startPostgres(temporary.path);
  await first[Symbol.asyncDispose]();
  rmSync(file);
  await using second = await startPostgres(temporary.path);
  assert.notEqual(second.connection.password, first.connection.password);
  assert.equal((await query(second, 'select 1')).length, 1);
});

test('its socket is found beneath any path, however long and odd', options, async () => {
  await using temporary = temporaryDirectory();
  for (const name of [`a "b", c's d`, 'x'.repeat(150)]) {
    await using postgres = await startPostgres(join(temporary.path, name));
    assert.equal((await query(postgres, 'select 1')).length, 1);
  }
});

test('the data of another PostgreSQL version is refused and left alone', options, async () => {
  await using temporary = temporaryDirectory();
  const cluster = join(temporary.path, 'postgres');
  mkdirSync(cluster);
  writeFileSync(join(cluster, 'PG_VERSION'), '17\n');
  const message = /made by PostgreSQL 17; .* PostgreSQL 18/;
  await assert.rejects(startPostgres(temporary.path), { name: 'StartupError', message });
  assert.deepEqual(readdirSync(cluster), ['PG_VERSION']);
});

test('a PostgreSQL that cannot start says why', options, async () => {
  await using temporary = temporaryDirectory();
  const dataDirectory = join(temporary.path, 'data');
  {
    await using _ = await startPostgres(dataDirectory);
  }
  writeFileSync(join(dataDirectory, 'postgres', 'postgresql.auto.conf'), 'no_such_setting = 1\n');
  await assert.rejects(startPostgres(dataDirectory), { name: 'StartupError', message: /no_such_setting/ });
});

test('a cluster whose creation was cut off is made anew', options, async () => {
  await using temporary = temporaryDirectory();
  const partial = join(temporary.path, 'postgres.new-abc');
  mkdirSync(partial);
  writeFileSync(join(partial, 'PG_VERSION'), '18\n');
  await using postgres = await startPostgres(temporary.path);
  assert.equal((await query(postgres, 'select 1')).length, 1);
  assert.ok(!existsSync(partial));
});

test('as root, PostgreSQL runs under an account of its own that alone has the data', {
  ...options,
  skip: !isRoot,
}, async () => {
  await using temporary = temporaryDirectory();
  await using _ = await startPostgres(temporary.path);
  const uid = Number(processField(postmasterPid(temporary.path), 'uid'));
  assert.notEqual(uid, 0);
  for (const name of ['postgres', 'run']) {
    const stat = statSync(join(temporary.path, name));
    assert.deepEqual([stat.uid, stat.mode & 0o777], [uid, 0o700]);
  }
});

test('as root, a data directory that the account cannot enter is refused', {
  ...options,
  skip: !isRoot,
}, async () => {
  await using temporary = temporaryDirectory();
  chmodSync(temporary.path, 0o700);
  const dataDirectory = join(temporary.path, 'data');
  await assert.rejects(startPostgres(dataDirectory), { name: 'StartupError', message: /cannot enter/ });
});

test('links that an installer left out of the binaries are made', options, async () => {
  await using temporary = temporaryDirectory();
  const packageDirectory = installBinaries(temporary.path);
  const link = join(packageDirectory, 'native', 'lib', 'libpq.so.5');
  unlinkSync(link);
  const account = findPostgresAccount(temporary.path);
  const copiesDirectory = join(temporary.path, 'copies');
  const binaries = await findPostgresBinaries({ account, copiesDirectory, packageDirectory });
  assert.equal(binaries.postgres, join(packageDirectory, 'native', 'bin', 'postgres'));
  assert.ok(existsSync(link));
});

test('binaries that the account cannot use where they are, are copied once', options, async () => {
  await using temporary = temporaryDirectory();
  const packageDirectory = installBinaries(join(temporary.path, 'closed'));
  unlinkSync(join(packageDirectory, 'native', 'lib', 'libpq.so.5'));
  chmodSync(join(packageDirectory, 'native', 'lib'), 0o500);
  if (isRoot) chmodSync(join(temporary.path, 'closed'), 0o700);
  const account = findPostgresAccount(temporary.path);
  const copiesDirectory = join(temporary.path, 'copies');
  const find = () => findPostgresBinaries({ account, copiesDirectory, packageDirectory });

  const { postgres, majorVersion } = await find();
  assert.ok(postgres.startsWith(copiesDirectory));
  assert.equal(majorVersion, 18);
  assert.ok(existsSync(join(dirname(postgres), '..', 'lib', 'libpq.so.5')));
  const { ctimeMs } = statSync(postgres);
  await find();
  assert.equal(statSync(postgres).ctimeMs, ctimeMs);

  const file = join(dirname(postgres), '..', 'share', 'postgresql', 'postgres.bki');
  truncateSync(file, 0);
  await find();
  assert.notEqual(statSync(file).size, 0);
  chmodSync(join(packageDirectory, 'native', 'lib'), 0o700);
});

test('binaries that do not run here are refused with a way out', options, async () => {
  await using temporary = temporaryDirectory();
  const packageDirectory = installBinaries(temporary.path);
  writeFileSync(join(packageDirectory, 'native', 'bin', 'postgres'), '#!/no/such/loader\n');
  const copiesDirectory = join(temporary.path, 'copies');
  await assert.rejects(
    findPostgresBinaries({ account: null, copiesDirectory, packageDirectory }),
    (error) => error instanceof StartupError && /DATABASE_URL/.test(error.hint ?? ''),
  );
});
