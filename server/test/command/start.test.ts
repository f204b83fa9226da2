import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startDatabaseProxy } from '../support/database-proxy.ts';
import { createDatabase, startTestServer } from '../support/harness.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

describe('a start', () => {
  it('waits for a database that is slow to take connections, whichever it makes', async () => {
    await using database = await createDatabase();
    let refused = 0;
    await using proxy = await startDatabaseProxy(
      database.url,
      (startup) => startup.includes('greenroom-tenant') && ++refused <= 2,
    );
    await using server = await startTestServer({ databaseUrl: proxy.url });
    assert.ok(refused >= 2);
    assert.equal((await server.request('GET', '/sessions/')).status, 200);
  });

  it('says of a data directory that is to be made on a read-only disk that it is not writable', async () => {
    const readOnly = ['--ro-bind', '/', '/', '--dev', '/dev', '--proc', '/proc'];
    const args = [...readOnly, process.execPath, main, '--data-dir', '/usr/nowhere/greenroom'];
    const env = { HOME: '/nonexistent', PATH: process.env.PATH };
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile('bwrap', args, { env }, (error, _stdout, output) =>
        resolve({ code: error?.code, stderr: output }),
      );
    });
    assert.equal(code, 1, stderr);
    assert.match(
      stderr,
      /^error: The data directory \/usr\/nowhere\/greenroom is not writable for this user\.$/m,
    );
  });
});
