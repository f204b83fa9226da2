import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { curlCommand } from './curl-command.ts';

/** What the shell makes of it. */
function wordsOf(command: string): string[] {
  const script = `curl() { printf '%s\\0' "$@"; }\n${command}`;
  const env = { PATH: process.env.PATH ?? '', GREENROOM_API_KEY: 'secret' };
  return execFileSync('sh', ['-c', script], { encoding: 'utf8', env }).split('\0').slice(0, -1);
}

describe('the curl command', () => {
  it('is what a shell takes, also where the path of the server is strange', () => {
    const url = "http://localhost:8000/it's $(a) `trap`";
    const words = wordsOf(curlCommand({ apiUrl: url, needsKey: false }));
    assert.equal(words[2], `${url}/execute/`);
    assert.deepEqual(JSON.parse(words.at(-1) ?? ''), { prompt: 'introduce yourself' });
    assert.equal(words.length, 7);
  });

  it('takes the key from the environment, where one is needed', () => {
    const command = curlCommand({ apiUrl: 'https://example.test', needsKey: true });
    assert.ok(wordsOf(command).includes('Authorization: Bearer secret'));
  });
});
