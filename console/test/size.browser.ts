import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Console, startConsole } from './support/console.ts';
import { seedLongSession, seedSessions } from './support/seeded.ts';

/** Far above what is on a screen, far below what there is. */
const FEW_ROWS = 120;

describe('the console with much in it', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
    await seedSessions(console.server, 10_000);
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('shows 10,000 sessions by the rows that are in sight, and finds one of them', async () => {
    await using watched = await console.open('/sessions');
    const { page } = watched;
    const rows = page.getByRole('row');
    await rows.filter({ hasText: 'Session 10000' }).waitFor();
    assert.ok((await rows.count()) < FEW_ROWS);
    await page.getByRole('textbox', { name: 'Search titles, prompts, ids' }).fill('Session 1234');
    await rows.filter({ hasText: 'Session 1234' }).waitFor();
    assert.match(page.url(), /q=Session/);
  });

  it('shows a session of 10,000 events from its end, and from wherever it is asked to', async () => {
    const id = await seedLongSession(console.server, 10_000);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const transcript = page.getByRole('log');
    const rows = transcript.locator('[data-index]');
    await transcript.getByText('read src/queue.ts').last().waitFor();
    assert.ok((await rows.count()) < FEW_ROWS);
    // Older rows come above those that are looked at, as far as somebody scrolls.
    const heightOf = async (): Promise<number> =>
      await transcript.evaluate(({ scrollHeight }) => scrollHeight);
    const before = await heightOf();
    await transcript.focus();
    await page.keyboard.press('Home');
    await page.waitForFunction(
      (height) => (document.querySelector('[role=log]')?.scrollHeight ?? 0) > height,
      before,
    );
    assert.ok((await rows.count()) < FEW_ROWS);

    await page.goto(`${console.server.url}/console/sessions/${id}?at=1`);
    await rows.first().waitFor();
    await transcript
      .locator('[data-index="0"]')
      .getByText(/for i in 1 2 3/)
      .waitFor();
    assert.ok((await rows.count()) < FEW_ROWS);
  });
});
