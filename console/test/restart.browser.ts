import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { temporaryDirectory } from '../../server/test/support/harness.ts';
import { startServerProcess } from '../../server/test/support/server-process.ts';
import { launchChromium } from './support/chromium.ts';
import { openConsole } from './support/console.ts';
import { countSlowly } from './support/demo-prompts.ts';

/** What Chromium says of a server that is gone. */
const gone = [
  /ERR_CONNECTION_REFUSED/,
  /ERR_INCOMPLETE_CHUNKED_ENCODING/,
  /ERR_CONNECTION_RESET/,
  /ERR_EMPTY_RESPONSE/,
];

describe('a page that is open while its server is killed', () => {
  it('says so, comes back by itself, says what became of the turn, and resumes the session', async () => {
    await using directory = await temporaryDirectory();
    const env = { GREENROOM_ISOLATION: 'none' };
    const first = await startServerProcess({ dataDir: directory.path, env });
    const port = Number(new URL(first.url).port);
    await using browser = await launchChromium();
    const sessionId = await first.execute({ prompt: countSlowly(40) });
    await using watched = await openConsole(browser, { server: first.url, path: `/sessions/${sessionId}` });
    watched.tolerate(...gone);
    const { page } = watched;
    const transcript = page.getByRole('log');
    await transcript.getByText(/\b8\s+9\s+10\b/).waitFor();
    first.kill('SIGKILL');
    await first.exited;
    await page.getByText(/next try in/).waitFor();
    assert.equal(await page.getByText('Live', { exact: true }).count(), 0);

    await using _second = await startServerProcess({ dataDir: directory.path, port, env });
    await page.getByText('Live', { exact: true }).waitFor({ timeout: 60_000 });
    await transcript.getByText(/\b38\s+39\s+40\b/).waitFor({ timeout: 60_000 });
    assert.equal(await transcript.getByText(/\b8\s+9\s+10\b/).count(), 1, 'no answer is shown twice');
    await transcript.getByRole('button', { name: /Worked for/ }).click();
    await transcript.getByText('The server stopped. The turn went on from where it was.').waitFor();

    const message = page.getByRole('textbox', { name: 'Message to the agent' });
    await message.fill('my name is Ada');
    await message.press('Enter');
    await transcript.getByText('Nice to meet you, Ada.').first().waitFor();
  });
});
