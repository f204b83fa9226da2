import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { asking } from './support/asking.ts';
import { type Console, openBlank, startConsole } from './support/console.ts';
import { run } from './support/demo-prompts.ts';

type Shown = { title: string; body: string; onclick: () => void };
type Spied = { shown: Shown[]; asked: number };

/** The desktop of the test: notes what it is told to show. A person is asked once, and says `answer`. */
function spyOnDesktop(answer: NotificationPermission): void {
  const spied: Spied = { shown: [], asked: 0 };
  class Desktop {
    static permission: NotificationPermission = 'default';
    static async requestPermission(): Promise<NotificationPermission> {
      spied.asked++;
      Desktop.permission = answer;
      return answer;
    }
    onclick = (): void => {};
    constructor(title: string, { body }: { body: string }) {
      spied.shown.push({ title, body, onclick: () => this.onclick() });
    }
    close(): void {}
  }
  Object.assign(globalThis, { spied, Notification: Desktop });
}

const spiedOn = async (page: Page): Promise<Spied> =>
  await page.evaluate(() => {
    const { shown, asked } = (globalThis as unknown as { spied: Spied }).spied;
    return { asked, shown: shown.map(({ title, body }) => ({ title, body, onclick: () => {} })) };
  });

/** As when another tab is looked at: headless browsers have all of them in sight. */
async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
  });
}

describe('notifications of the desktop', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  const openSettings = async (answer: NotificationPermission) => {
    const watched = await openBlank(console.browser, { server: console.server.url });
    await watched.page.addInitScript(spyOnDesktop, answer);
    await watched.page.goto(`${console.server.url}/console/settings`);
    await watched.page.getByText('Live', { exact: true }).waitFor();
    return {
      watched,
      wanted: watched.page.getByRole('switch', { name: 'When a session needs you or is done' }),
    };
  };
  const forget = async (id: string): Promise<void> => {
    await console.server.client.sessions.cancel(id);
    await console.server.ended(id);
  };

  it('are shown to who asked for them, while the page is not looked at, and lead to the session', async () => {
    const { server } = console;
    const { watched, wanted } = await openSettings('granted');
    await using _open = watched;
    const { page } = watched;
    assert.equal((await spiedOn(page)).asked, 0, 'nobody is asked who did not ask for them');
    const [unasked, seen, id] = [
      await asking(server, run('touch unasked'), { title: 'Before they are turned on' }),
      await asking(server, run('touch seen'), { title: 'While the page is looked at' }),
      await server.execute({ prompt: 'hello', title: 'Deploys' }),
    ];
    await server.ended(id);
    await page.waitForFunction(() => document.title.startsWith('(2) '));
    await wanted.click();
    await page.getByText('Shown while you look elsewhere.').waitFor();
    assert.deepEqual(await spiedOn(page), { asked: 1, shown: [] });
    await hide(page);
    await asking(server, run('touch asked'), { title: 'Deploys', resume_session_id: id });
    await page.waitForFunction(() => (globalThis as unknown as { spied: Spied }).spied.shown.length > 0);
    const { shown } = await spiedOn(page);
    assert.deepEqual(
      shown.map(({ title, body }) => [title, body]),
      [['Deploys', 'Needs you']],
    );
    await page.evaluate(() => (globalThis as unknown as { spied: Spied }).spied.shown[0]?.onclick());
    await page
      .getByRole('region', { name: 'May the agent use Bash?' })
      .getByText('touch asked')
      .first()
      .waitFor();
    assert.equal(new URL(page.url()).pathname, `/console/sessions/${id}`);
    for (const one of [unasked, seen, id]) await forget(one);
  });

  it('are not shown where the browser was told no, which the settings say', async () => {
    const { watched, wanted } = await openSettings('denied');
    await using _open = watched;
    const { page } = watched;
    await wanted.click();
    await page.getByText('Your browser does not allow them for this page.').waitFor();
    assert.ok(await wanted.isDisabled());
    await hide(page);
    const id = await asking(console.server, run('touch denied'));
    await page.waitForFunction(() => document.title.startsWith('(1) '));
    assert.deepEqual((await spiedOn(page)).shown, []);
    await forget(id);
  });
});
