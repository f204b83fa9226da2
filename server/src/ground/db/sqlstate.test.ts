import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, createServer, type NetConnectOpts } from 'node:net';
import { describe, it } from 'node:test';
import { DatabaseError } from 'pg';
import { isDatabaseUnavailable } from './sqlstate.ts';

function databaseError(code: string): DatabaseError {
  const error = new DatabaseError('words that depend on the language of the server', 0, 'error');
  error.code = code;
  return error;
}

async function connectError(options: NetConnectOpts): Promise<unknown> {
  const [error] = await once(connect(options).on('connect', assert.fail), 'error', {
    signal: AbortSignal.timeout(5_000),
  }).catch((error: unknown) => [error]);
  return error;
}

async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

describe('the database is unavailable', () => {
  it('when it starts, stops, or has run out of connections or disk', () => {
    for (const code of ['57P01', '57P02', '57P03', '53300', '53200', '53100', '58030', '08006', '25P03']) {
      assert.ok(isDatabaseUnavailable(databaseError(code)), code);
    }
  });

  it('not when this program broke the protocol: with too many parameters, say', () => {
    assert.equal(isDatabaseUnavailable(databaseError('08P01')), false);
  });

  it('not when it will not pass: a limit of the statement, a dropped database, a missing file, a cancelled statement', () => {
    for (const code of ['53400', '57P04', '58P01', '57014', '55P03']) {
      assert.equal(isDatabaseUnavailable(databaseError(code)), false, code);
    }
  });

  it('when nothing listens where it should', async () => {
    const port = await closedPort();
    assert.ok(isDatabaseUnavailable(await connectError({ port, host: '127.0.0.1' })));
    assert.ok(isDatabaseUnavailable(await connectError({ path: '/nonexistent/.s.PGSQL.5432' })));
  });

  it('when nothing listens at any address of a name', async () => {
    const port = await closedPort();
    const addresses = ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 }));
    const error = await connectError({
      port,
      host: 'database.example',
      autoSelectFamily: true,
      lookup: (_host, _options, callback) => callback(null, addresses),
    });
    assert.ok(error instanceof AggregateError);
    assert.ok(isDatabaseUnavailable(error));
  });

  it('not when a statement is at fault, or this program', () => {
    for (const code of ['23505', '22P02', '42P01', '40001', '25P02']) {
      assert.ok(!isDatabaseUnavailable(databaseError(code)), code);
    }
    assert.ok(!isDatabaseUnavailable(new TypeError('x is not a function')));
    assert.ok(!isDatabaseUnavailable('connection terminated'));
  });

  it('not when a file is missing', async () => {
    const error = await readFile('/nonexistent').catch((error: unknown) => error);
    assert.ok(!isDatabaseUnavailable(error));
  });
});
