import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Page } from 'playwright-core';
import { until } from '../../server/test/support/server-process.ts';
import { type Console, startConsole } from './support/console.ts';
import { countSlowly } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';
import { boxOf, chooseInMenu, rowOf, tabOf, titlesOf, topOf } from './support/session-rows.ts';

/*
 * What is done with sessions from the list. Each test has sessions of its own, by the search in the address.
 */

describe('the list of sessions', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  /** Sessions that have ended, called `shop 1` and so on; their ids, in that order. */
  const endedSessions = async (name: string, count: number): Promise<string[]> => {
    const ids: string[] = [];
    for (let number = 1; number <= count; number++) {
      ids.push(await runTurns(console.server, ['hello'], { title: `${name} ${number}` }));
    }
    return ids;
  };
  const running = async (title: string): Promise<string> => {
    const id = await console.server.execute({ prompt: countSlowly(1_000, 5), title });
    await console.server.event(id, ({ kind }) => kind === 'sdk');
    return id;
  };
  const openList = async (name: string, count: number) => {
    const watched = await console.open(`/sessions?q=${name}`);
    await rowOf(watched.page, `${name} ${count}`).waitFor();
    await watched.page.getByText('Live', { exact: true }).waitFor();
    return watched;
  };
  const bulk = (page: Page) => page.getByRole('toolbar', { name: 'What can be done with the selection' });
  const sessionCount = async (q: string): Promise<number> =>
    (await console.server.client.sessions.counts({ q, archived: 'any' })).total;

  it('renames, and without a name shows how the prompt begins', async () => {
    const [id = ''] = await endedSessions('oak', 1);
    await using watched = await openList('oak', 1);
    const { page } = watched;
    await chooseInMenu(page, 'oak 1', 'Rename');
    const dialog = page.getByRole('dialog', { name: 'Rename' });
    await dialog.getByRole('textbox', { name: 'Title' }).fill('  oak, old ');
    await page.keyboard.press('Enter');
    await rowOf(page, 'oak, old').waitFor();
    assert.equal((await console.server.client.sessions.get(id)).title, 'oak, old');
    await page.goto(`${console.server.url}/console/sessions?q=${id}`);
    await chooseInMenu(page, 'oak, old', 'Rename');
    await dialog.getByRole('textbox', { name: 'Title' }).fill('');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await rowOf(page, 'hello').waitFor();
  });

  it('cancels, archives and deletes many, and says before how many', async () => {
    await endedSessions('elm', 2);
    const ids = [await running('elm 3'), await running('elm 4')];
    await using watched = await openList('elm', 4);
    const { page } = watched;
    await page.getByRole('checkbox', { name: 'Select the 4 that are loaded' }).click();
    await bulk(page).getByText('4 selected').waitFor();
    await bulk(page).getByRole('button', { name: 'Delete 2' }).waitFor();
    await bulk(page).getByRole('button', { name: 'Cancel 2' }).click();
    const cancel = page.getByRole('dialog', { name: 'Cancel 2 sessions?' });
    await cancel.getByText('2 more of the selection do not run').waitFor();
    await cancel.getByRole('button', { name: 'Cancel 2' }).click();
    await page.getByText('2 sessions cancelled').waitFor();
    for (const id of ids) assert.equal((await console.server.ended(id)).status, 'cancelled');

    for (const title of ['elm 1', 'elm 2', 'elm 3']) await boxOf(page, title).click();
    await bulk(page).getByRole('button', { name: 'Archive 3' }).click();
    await page.getByText('3 sessions archived').waitFor();
    await tabOf(page, 'Archived').getByText('3', { exact: true }).waitFor();

    await tabOf(page, 'Archived').click();
    await rowOf(page, 'elm 3').waitFor();
    await page.getByRole('checkbox', { name: 'Select the 3 that are loaded' }).click();
    await bulk(page).getByRole('button', { name: 'Delete 3' }).click();
    const remove = page.getByRole('dialog', { name: 'Delete 3 sessions?' });
    await remove.getByText('This cannot be undone.').waitFor();
    await remove.getByRole('button', { name: 'Delete 3' }).click();
    await page.getByText('3 sessions deleted').waitFor();
    assert.equal(await sessionCount('elm'), 1);
  });

  it('says of many which one failed and why, tries it again, and what was gone already is done', async () => {
    const [, second = '', third = ''] = await endedSessions('ash', 3);
    await using watched = await openList('ash', 3);
    watched.tolerate(/status of (400|404)/);
    const { page } = watched;
    await page.getByRole('checkbox', { name: 'Select the 3 that are loaded' }).click();
    await bulk(page).getByRole('button', { name: 'Delete 3' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete 3 sessions?' });
    await dialog.waitFor();
    // Meanwhile others go on with one, and delete another.
    await console.server.execute({ prompt: countSlowly(1_000, 5), resume_session_id: second });
    await console.server.client.sessions.delete(third);
    await dialog.getByRole('button', { name: 'Delete 3' }).click();
    const failed = dialog.getByRole('alert');
    await failed.getByText('1 failed:').waitFor();
    await failed.getByText('ash 2').waitFor();
    assert.match(await failed.innerText(), /running|cancel/i);
    await console.server.client.sessions.cancel(second);
    await console.server.ended(second);
    await dialog.getByRole('button', { name: 'Try the 1 again' }).click();
    await page.getByText('3 sessions deleted').waitFor();
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await sessionCount('ash'), 0);
  });

  it('selects from one row to another, by the mouse and by the keys, and all of them', async () => {
    await endedSessions('fir', 5);
    await using watched = await openList('fir', 5);
    const { page } = watched;
    await boxOf(page, 'fir 4').click();
    await boxOf(page, 'fir 2').click({ modifiers: ['Shift'] });
    await bulk(page).getByText('3 selected').waitFor();
    await page.keyboard.press('Escape');
    await bulk(page).waitFor({ state: 'detached' });
    await rowOf(page, 'fir 5').getByRole('link', { name: 'fir 5' }).focus();
    await page.keyboard.press('Shift+J');
    await page.keyboard.press('Shift+J');
    await bulk(page).getByText('3 selected').waitFor();
    assert.equal(await boxOf(page, 'fir 3').isChecked(), true);
    assert.equal(await boxOf(page, 'fir 2').isChecked(), false);
    const all = page.getByRole('checkbox', { name: 'Select the 5 that are loaded' });
    await all.click();
    await bulk(page).getByText('5 selected').waitFor();
    await all.click();
    await bulk(page).waitFor({ state: 'detached' });
  });

  it('has what is pinned on top, also after a reload', async () => {
    await endedSessions('yew', 3);
    await using watched = await openList('yew', 3);
    const { page } = watched;
    assert.deepEqual(await titlesOf(page), ['yew 3', 'yew 2', 'yew 1']);
    await chooseInMenu(page, 'yew 1', 'Pin');
    await rowOf(page, 'yew 1').getByText('Pinned').waitFor({ state: 'attached' });
    await tabOf(page, 'Pinned').getByText('1', { exact: true }).waitFor();
    assert.deepEqual(await titlesOf(page), ['yew 1', 'yew 3', 'yew 2']);
    await page.reload();
    await rowOf(page, 'yew 2').waitFor();
    assert.deepEqual(await titlesOf(page), ['yew 1', 'yew 3', 'yew 2']);
  });

  it('keeps a row in its place, marked, that leaves the filter; it goes when nobody points at the rows', async () => {
    await endedSessions('bay', 3);
    await using watched = await openList('bay', 3);
    const { page } = watched;
    const below = rowOf(page, 'bay 1');
    const place = await topOf(below);
    await chooseInMenu(page, 'bay 2', 'Archive');
    await rowOf(page, 'bay 2').getByText('Not in this list any more').waitFor();
    await tabOf(page, 'Archived').getByText('1', { exact: true }).waitFor();
    assert.equal(await topOf(below), place);
    await page.getByRole('heading', { name: 'Sessions', exact: true }).click();
    await rowOf(page, 'bay 2').waitFor({ state: 'detached' });
    await tabOf(page, 'Archived').click();
    await chooseInMenu(page, 'bay 2', 'Take out of the archive');
    await tabOf(page, 'All').click();
    await rowOf(page, 'bay 2').waitFor();
    assert.deepEqual(await titlesOf(page), ['bay 3', 'bay 2', 'bay 1']);
  });

  it('says of a session that was deleted elsewhere that it is, where it was', async () => {
    const [id = ''] = await endedSessions('box', 2);
    await using watched = await openList('box', 2);
    const { page } = watched;
    await console.server.client.sessions.delete(id);
    const row = rowOf(page, 'box 1');
    await row.getByText('Deleted', { exact: true }).waitFor();
    assert.equal(await row.getByRole('button').count(), 0);
    await row.waitFor({ state: 'detached' });
  });

  it('moves no row under the pointer when a session begins', async () => {
    await endedSessions('sky', 2);
    await using watched = await openList('sky', 2);
    const { page } = watched;
    const row = rowOf(page, 'sky 1');
    await row.hover();
    const place = await row.boundingBox();
    assert.ok(place);
    const begun = endedSessions('skylark', 2);
    const told = tabOf(page, 'All').getByText('4', { exact: true });
    // Somebody who looks for the right place to press.
    for (let step = 0; !(await told.isVisible()); step++) {
      await page.mouse.move(place.x + 200 + (step % 40), place.y + 20);
    }
    assert.deepEqual(await row.boundingBox(), place);
    assert.equal((await titlesOf(page)).length, 2);
    await begun;
    await page.getByRole('heading', { name: 'Sessions', exact: true }).hover();
    await rowOf(page, 'skylark 2').waitFor();
    const order = ['skylark 2', 'skylark 1', 'sky 2', 'sky 1'];
    await until('all have their places', async () => isDeepStrictEqual(await titlesOf(page), order));
  });
});
