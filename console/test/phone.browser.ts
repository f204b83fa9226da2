import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Console, startConsole } from './support/console.ts';
import { run } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';

const SMALLEST_TARGET = 44;
const LONG = 'a-very-long-word-without-any-place-to-break-it'.repeat(4);

describe('on a phone', () => {
  let console: Console;
  let asking: string;
  let done: string;
  before(async () => {
    console = await startConsole();
    const { server } = console;
    done = await runTurns(server, [run(`echo ${LONG}`)], { allowed_tools: ['Bash'], title: LONG });
    asking = await server.execute({ prompt: run(`echo ${LONG} > greeting`), approvals: 'ask' });
    await server.event(asking, (event) => event.kind === 'approval');
  });
  after(async () => await console[Symbol.asyncDispose]());

  const widthLeftOver = async (page: Page): Promise<number> =>
    await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

  it('no page is wider than the window, however long a word is', async () => {
    for (const path of [
      '/sessions',
      `/sessions/${done}`,
      `/sessions/${asking}`,
      '/new',
      '/settings',
      '/sign-in',
    ]) {
      await using watched = await console.open(path, { isPhone: true });
      await watched.page.setViewportSize({ width: 360, height: 740 });
      await watched.page.locator('main :is(h1, [role=log], table)').first().waitFor();
      assert.ok((await widthLeftOver(watched.page)) <= 0, path);
    }
  });

  it('an approval is answered by buttons that a thumb hits, and that are apart', async () => {
    await using watched = await console.open(`/sessions/${asking}`, { isPhone: true });
    const card = watched.page.getByRole('region', { name: 'May the agent use Bash?' });
    await card.getByRole('button', { name: 'Allow once' }).waitFor();
    const boxes = await Promise.all(
      (await card.getByRole('button').all()).map(async (button) => ({
        text: await button.innerText(),
        ...((await button.boundingBox()) ?? assert.fail('a button without a place')),
      })),
    );
    for (const { text, height } of boxes) assert.ok(height >= SMALLEST_TARGET, `${text}: ${height} px`);
    const [allow, deny] = ['Allow once', 'Deny'].map((name) => boxes.find(({ text }) => text.includes(name)));
    assert.ok(allow && deny && deny.y >= allow.y + allow.height + 8, JSON.stringify({ allow, deny }));
    await card.getByRole('button', { name: 'Allow once' }).tap();
    assert.equal((await console.server.ended(asking)).status, 'completed');
  });

  it('the menu is a drawer that leads everywhere', async () => {
    await using watched = await console.open('/sessions', { isPhone: true });
    const { page } = watched;
    await page.getByRole('button', { name: 'Menu' }).tap();
    await page.getByRole('dialog').getByRole('link', { name: 'Settings' }).tap();
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });
});
