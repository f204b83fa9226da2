import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const start = fileURLToPath(new URL('../../start.js', import.meta.url));

/** Has each beginning of a process say how it began, and its end what it would hand on. */
const reporter = `data:text/javascript,${encodeURIComponent(`
  const variables = () => Object.keys(process.env).filter((name) => name.startsWith('MALLOC_')).sort();
  const say = (what) => process.stderr.write(JSON.stringify({ ...what, pid: process.pid }) + '\\n');
  say({ flags: process.execArgv.filter((flag) => /^--.*(space-size|growing-percent)=/.test(flag)), variables: variables() });
  process.on('exit', () => say({ left: variables() }));
`)}`;

async function run(flags: string[] = [], env: Record<string, string> = {}) {
  const args = [...flags, '--import', reporter, start, '--version'];
  const options = { env: { PATH: '/usr/bin:/bin', HOME: '/', ...env } };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  const said = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(new Set(said.map(({ pid }) => pid)).size, 1, 'it stays the same process');
  return said.map(({ pid: _, ...rest }) => rest);
}

const bounds = ['--max-semi-space-size=4', '--initial-old-space-size=64', '--heap-growing-percent=30'];
const variables = ['MALLOC_ARENA_MAX', 'MALLOC_TRIM_THRESHOLD_'];

describe('the memory of a server', { skip: process.platform === 'win32' }, () => {
  it('is bounded from the beginning of its process, which hands nothing of that on', async () => {
    assert.deepEqual(await run(), [{ flags: [], variables: [] }, { flags: bounds, variables }, { left: [] }]);
  });

  it('is what its user chose: by a flag, or by what else the allocator is told', async () => {
    assert.deepEqual(await run(['--max-semi-space-size=16']), [
      { flags: ['--max-semi-space-size=16'], variables: [] },
      { left: [] },
    ]);
    const [, bounded, end] = await run([], { MALLOC_ARENA_MAX: '8' });
    assert.deepEqual([bounded, end], [{ flags: bounds, variables }, { left: ['MALLOC_ARENA_MAX'] }]);
    const env = { NODE_OPTIONS: '--max-semi-space-size=2' };
    assert.deepEqual(await run([], env), [{ flags: [], variables: [] }, { left: [] }]);
  });
});
