import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { type Console, openBlank, startConsole } from './support/console.ts';
import { countSlowly } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';
import { boxOf, chooseInMenu, rowOf, tabOf, titlesOf } from './support/session-rows.ts';
import { makeKey, signIn } from './support/sign-in.ts';

const run = promisify(execFile);

/** Runs what the page advises, as somebody does who copies it into a terminal. */
async function runShown(page: Page, env: Record<string, string>): Promise<{ session_id: string }> {
  const command = await page.locator('main pre').innerText();
  const { stdout } = await run('sh', ['-c', command], { env: { PATH: process.env.PATH ?? '', ...env } });
  return JSON.parse(stdout);
}

describe('the list of sessions at its beginning', () => {
  it('has a command that starts one, and two keys have each their own unread', async () => {
    await using console = await startConsole();
    const { server } = console;
    await using local = await console.open('/sessions');
    await local.page.getByRole('heading', { name: 'No sessions yet' }).waitFor();
    const { session_id: first } = await runShown(local.page, {});
    await local.page.locator(`tr[data-session-id="${first}"]`).waitFor();
    await server.ended(first);
    await server.client.sessions.delete(first);

    const ada = await makeKey(server, ['operator']);
    const { body } = await server.as(ada).request('POST', '/api-keys', { name: 'Bob', scopes: ['operator'] });
    const open = async (key: string) => {
      const watched = await openBlank(console.browser, { server: server.url });
      // Chromium looks for an icon of the picture that the page begins with.
      watched.tolerate(/favicon\.ico/);
      await signIn(watched.page, { server, key });
      await watched.page.goto(`${server.url}/console/sessions`);
      return watched;
    };
    local.tolerate(/status of 401/);
    await using adas = await open(ada);
    await using bobs = await open(body.key);
    // What ended before a key was first used is no news to it.
    for (const { page } of [adas, bobs]) await page.getByText('GREENROOM_API_KEY first').waitFor();
    const { session_id: id } = await runShown(adas.page, { GREENROOM_API_KEY: ada });
    await using adasSecond = await open(ada);
    const isBoth = async (page: Page, state: string): Promise<void> =>
      await page.locator(`tr[data-session-id="${id}"]`).getByText(state, { exact: true }).waitFor();
    for (const { page } of [adas, bobs, adasSecond]) await isBoth(page, 'Done, not read');
    await chooseInMenu(adas.page, 'introduce yourself', 'Mark as read');
    for (const { page } of [adas, adasSecond]) await isBoth(page, 'Idle');
    await isBoth(bobs.page, 'Done, not read');
    await chooseInMenu(adasSecond.page, 'introduce yourself', 'Mark as unread');
    for (const { page } of [adas, bobs]) await isBoth(page, 'Done, not read');
    await tabOf(adas.page, 'Unread').getByText('1', { exact: true }).waitFor();
    await adas.page.getByRole('button', { name: 'Mark all as read' }).click();
    for (const { page } of [adas, adasSecond]) await isBoth(page, 'Idle');
    await tabOf(adas.page, 'Unread').getByText('0', { exact: true }).waitFor();
    await isBoth(bobs.page, 'Done, not read');
  });
});

describe('the list of sessions', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
    const { server } = console;
    await runTurns(server, ['hello'], { title: 'Apples', metadata: { shop: 'a:b', kind: 'fruit' } });
    await runTurns(server, ['hello'], { title: 'Pears', metadata: { shop: 'c', kind: 'fruit' } });
    await runTurns(server, ['hello'], { title: 'Beans', metadata: { kind: 'other' } });
    const id = await server.execute({ prompt: countSlowly(2_000, 5), title: 'Busy pears' });
    await server.event(id, ({ kind }) => kind === 'sdk');
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('is narrowed by a label, a search and a state, all of which stand in the address', async () => {
    await using watched = await console.open('/sessions');
    const { page } = watched;
    await rowOf(page, 'Apples').getByRole('link', { name: 'Only with the label shop:a:b' }).click();
    await rowOf(page, 'Beans').waitFor({ state: 'detached' });
    assert.deepEqual(await titlesOf(page), ['Apples']);
    await tabOf(page, 'All').getByText('1', { exact: true }).waitFor();
    await page.getByRole('link', { name: /^No longer only with the label/ }).click();
    await rowOf(page, 'Pears').getByRole('link', { name: 'Only with the label kind:fruit' }).click();
    await rowOf(page, 'Beans').waitFor({ state: 'detached' });
    await page.getByRole('textbox', { name: 'Search titles, prompts, ids' }).fill('pEARs');
    await rowOf(page, 'Apples').waitFor({ state: 'detached' });
    await page.getByRole('link', { name: /^No longer only with the label/ }).click();
    await rowOf(page, 'Busy pears').waitFor();
    await tabOf(page, 'Working').click();
    await rowOf(page, 'Pears').waitFor({ state: 'detached' });
    const isNarrowed = async (narrowed: Page): Promise<void> => {
      await rowOf(narrowed, 'Busy pears').waitFor();
      assert.deepEqual(await titlesOf(narrowed), ['Busy pears']);
      assert.equal(await narrowed.getByRole('textbox', { name: /^Search/ }).inputValue(), 'pEARs');
      assert.equal(await tabOf(narrowed, 'Working').getAttribute('aria-current'), 'page');
    };
    await isNarrowed(page);
    await page.reload();
    await isNarrowed(page);
    const { pathname, search } = new URL(page.url());
    await using other = await console.open(pathname.replace('/console', '') + search);
    await isNarrowed(other.page);
    await page.goBack();
    await rowOf(page, 'Pears').waitFor();
    await page.goForward();
    await isNarrowed(page);
    await page.getByRole('button', { name: 'Clear the search' }).click();
    await page.waitForURL(/sessions\?state=working$/);
  });

  it('is used by the keys that the sheet lists, and by no others', async () => {
    await using watched = await console.open('/sessions');
    const { page } = watched;
    await rowOf(page, 'Beans').waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await page.keyboard.press('?');
    const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await sheet.getByRole('definition').first().waitFor();
    const listed = await sheet
      .locator('section', { hasText: 'List of sessions' })
      .locator('dd')
      .allInnerTexts();
    await page.keyboard.press('Escape');
    await sheet.waitFor({ state: 'detached' });
    const focused = async (): Promise<string> =>
      await page.evaluate(() => document.activeElement?.textContent ?? '');
    const untilFocused = async (title: string): Promise<void> => {
      await page.waitForFunction((wanted) => document.activeElement?.textContent === wanted, title);
    };
    const does: Record<string, () => Promise<void>> = {
      j: async () => {
        for (const title of ['Busy pears', 'Beans', 'Pears']) {
          await page.keyboard.press('j');
          await untilFocused(title);
        }
      },
      k: async () => {
        await page.keyboard.press('k');
        await untilFocused('Beans');
      },
      x: async () => {
        await page.keyboard.press('x');
        assert.equal(await boxOf(page, 'Beans').isChecked(), true);
      },
      'Shift+J': async () => {
        await page.keyboard.press('Shift+J');
        await page.getByText('2 selected').first().waitFor();
        await untilFocused('Pears');
      },
      'Shift+K': async () => {
        await page.keyboard.press('Shift+K');
        await page.keyboard.press('Shift+K');
        await page.getByText('3 selected').first().waitFor();
      },
      Escape: async () => {
        await page.keyboard.press('Escape');
        await page.getByRole('toolbar').waitFor({ state: 'detached' });
        await page.keyboard.press('j');
        await untilFocused('Beans');
      },
      p: async () => {
        await page.keyboard.press('p');
        await tabOf(page, 'Pinned').getByText('1', { exact: true }).waitFor();
        assert.equal((await titlesOf(page))[0], 'Beans');
        assert.equal(await focused(), 'Beans');
        await page.keyboard.press('p');
        await tabOf(page, 'Pinned').getByText('0', { exact: true }).waitFor();
      },
      u: async () => {
        const badge = rowOf(page, 'Beans').getByText('Done, not read');
        const isUnread = (await badge.count()) === 1;
        await page.keyboard.press('u');
        await badge.waitFor({ state: isUnread ? 'detached' : 'attached' });
        await page.keyboard.press('u');
        await badge.waitFor({ state: isUnread ? 'attached' : 'detached' });
      },
      e: async () => {
        await page.keyboard.press('e');
        await rowOf(page, 'Beans').getByText('Not in this list any more').waitFor();
        await page.keyboard.press('e');
        await rowOf(page, 'Beans').getByText('Not in this list any more').waitFor({ state: 'detached' });
      },
      Delete: async () => {
        await page.keyboard.press('Delete');
        await page.getByRole('dialog', { name: 'Delete 1 session?' }).getByText('Beans').waitFor();
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        // Where the focus was, it is again.
        await untilFocused('Beans');
      },
      '/': async () => {
        await page.keyboard.press('/');
        await page.keyboard.type('App');
        await rowOf(page, 'Beans').waitFor({ state: 'detached' });
        await page.keyboard.press('Escape');
        await rowOf(page, 'Beans').waitFor();
        await page.keyboard.press('Tab');
      },
      Enter: async () => {
        await page.getByRole('heading', { name: 'Sessions', exact: true }).click();
        await page.keyboard.press('j');
        await untilFocused('Busy pears');
        await page.keyboard.press('j');
        await untilFocused('Beans');
        await page.keyboard.press('Enter');
        await page.getByRole('log').waitFor();
      },
    };
    assert.deepEqual(listed.sort(), Object.keys(does).sort());
    for (const [key, act] of Object.entries(does)) {
      await act().catch((cause: unknown) => {
        throw new Error(`the key ${key} did not do what the sheet says`, { cause });
      });
    }
  });
});
