import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from '../support/harness.ts';

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));

type Ended = { code: number; stdout: string; stderr: string };

/** Runs the program with this environment and no other, in an empty directory unless `cwd` says which. */
async function greenroom(
  args: string[],
  { env = {}, cwd }: { env?: Record<string, string>; cwd?: string } = {},
): Promise<Ended> {
  await using empty = await temporaryDirectory();
  const options = { cwd: cwd ?? empty.path, env: { HOME: empty.path, ...env } };
  return await new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('greenroom, the command', { concurrency: true }, () => {
  it('shows the effective configuration, where each value came from, and no secret', async () => {
    await using directory = await temporaryDirectory();
    await writeFile(join(directory.path, 'greenroom.config.json'), '{"idleTtl": "5m"}');
    const { code, stdout, stderr } = await greenroom(['config', '--max-sessions', '3'], {
      cwd: directory.path,
      env: {
        ANTHROPIC_API_KEY: 'sk-ant-secret',
        DATABASE_URL: 'postgres://ada:secret@db/greenroom',
        PORT: '9000',
      },
    });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^maxSessions +3 +\(flag --max-sessions\)$/m);
    assert.match(stdout, /^port +9000 +\(environment PORT\)$/m);
    assert.match(stdout, /^idleTtl +300s +\(file .*greenroom\.config\.json\)$/m);
    assert.match(stdout, /^host +127\.0\.0\.1 +\(default\)$/m);
    assert.match(stdout, /^anthropicApiKey +\*+ .*\(environment ANTHROPIC_API_KEY\)$/m);
    assert.doesNotMatch(stdout + stderr, /secret/);
  });

  it('exits 2 at a mistyped flag and names the right one', async () => {
    const { code, stderr } = await greenroom(['--max-session', '3']);
    assert.equal(code, 2);
    assert.match(stderr, /unknown option '--max-session'\n.*--max-sessions/);
  });

  it('takes no secret as a flag, where every user of the machine could read it', async () => {
    for (const flag of ['--anthropic-api-key', '--database-url']) {
      assert.equal((await greenroom(['config', flag, 'x'])).code, 2, flag);
    }
  });

  it('exits 1 with what is wrong and what to do when it cannot start, without a stack', async () => {
    const { code, stdout, stderr } = await greenroom(['--port', 'http']);
    assert.equal(code, 1);
    assert.equal(stdout, '');
    assert.match(stderr, /^error: port \(flag --port\) is not valid: .*\nhint: .*\n$/);
  });

  it('shows its version and its help', async () => {
    assert.match((await greenroom(['--version'])).stdout, /^\d+\.\d+\.\d+\n$/);
    const help = await greenroom(['serve', '--help']);
    assert.equal(help.code, 0);
    assert.match(help.stdout, /--data-dir <value>/);
  });
});
