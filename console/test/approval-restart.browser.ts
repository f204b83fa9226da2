import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { GreenroomClient } from '../../client/src/index.ts';
import { temporaryDirectory } from '../../server/test/support/harness.ts';
import { startServerProcess } from '../../server/test/support/server-process.ts';
import { armed } from './support/asking.ts';
import { launchChromium } from './support/chromium.ts';
import { openConsole } from './support/console.ts';
import { run } from './support/demo-prompts.ts';

const gone = [/ERR_CONNECTION_REFUSED/, /ERR_INCOMPLETE_CHUNKED_ENCODING/, /ERR_CONNECTION_RESET/];
// Also what a server answers that is starting: its database is not there yet.
const broken = [...gone, /ERR_EMPTY_RESPONSE/, /ERR_FAILED/, /status of 503/];

describe('a server that is killed while answers are on their way', () => {
  it('gets the same answer when it is sent again, and takes it once', async () => {
    await using directory = await temporaryDirectory();
    const env = { GREENROOM_ISOLATION: 'none' };
    const first = await startServerProcess({ dataDir: directory.path, env });
    const port = Number(new URL(first.url).port);
    await using browser = await launchChromium();
    const open = async (command: string) => {
      const id = await first.execute({ prompt: run(command), approvals: 'ask' });
      return { id, watched: await openConsole(browser, { server: first.url, path: `/sessions/${id}` }) };
    };
    // Of one the answer never arrives, of the other the confirmation.
    const { id: lostId, watched: lost } = await open('touch lost');
    await using lostPage = lost;
    const { id: arrivedId, watched: arrived } = await open('touch arrived');
    await using arrivedPage = arrived;
    for (const watched of [lostPage, arrivedPage]) watched.tolerate(...broken);
    let isDown = false;
    const hold = async (page: Page, { arrives }: { arrives: boolean }): Promise<void> => {
      const held = Promise.withResolvers<void>();
      await page.route('**/approvals/*', async (route) => {
        if (route.request().method() !== 'POST' || isDown) return await route.continue();
        if (arrives) await route.fetch();
        held.resolve();
        await down.promise;
        await route.abort('connectionreset');
      });
      await (await armed(page, 'Allow once')).click();
      await held.promise;
    };
    const down = Promise.withResolvers<void>();
    await hold(lostPage.page, { arrives: false });
    await hold(arrivedPage.page, { arrives: true });
    first.kill('SIGKILL');
    await first.exited;
    isDown = true;
    down.resolve();
    await lostPage.page.getByText('was not sent, or its arrival was not confirmed').waitFor();
    // Nothing else can be answered meanwhile.
    assert.equal(
      await lostPage.page.getByRole('button', { name: /^Deny/ }).getAttribute('aria-disabled'),
      'true',
    );

    await using second = await startServerProcess({ dataDir: directory.path, port, env });
    await lostPage.page.getByRole('button', { name: 'Send again' }).click();
    const again = arrivedPage.page.getByRole('button', { name: 'Send again' });
    const settled = arrivedPage.page.getByRole('region', { name: 'May the agent use Bash?' });
    await again.or(arrivedPage.page.getByText('allowed by').first()).first().waitFor();
    if (await again.isVisible()) await again.click();
    await settled.waitFor({ state: 'detached' });
    for (const [id, { page }] of [
      [lostId, lostPage],
      [arrivedId, arrivedPage],
    ] as const) {
      const client = new GreenroomClient({ baseUrl: second.url });
      let answers = 0;
      for await (const event of client.sessions.stream(id, { signal: AbortSignal.timeout(60_000) })) {
        if (event.kind === 'approval' && event.data.phase === 'decided') answers++;
        if (event.kind === 'turn' && event.data.phase === 'ended') break;
      }
      assert.equal(answers, 1);
      assert.equal(await page.getByText('It was already decided.').count(), 0);
    }
  });
});
