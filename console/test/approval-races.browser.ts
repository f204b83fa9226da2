import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page, Route } from 'playwright-core';
import { armed, asking, decided, dropFocus, pendingOf } from './support/asking.ts';
import { type Console, openBlank, startConsole } from './support/console.ts';
import { run } from './support/demo-prompts.ts';

const TWO_HOURS = 7_200_000;

/** Holds back the next answer that the page sends. */
async function holdAnswer(page: Page): Promise<{ held: Promise<Route> }> {
  const { promise, resolve } = Promise.withResolvers<Route>();
  await page.route('**/approvals/*', async (route) => {
    if (route.request().method() === 'POST') resolve(route);
    else await route.continue();
  });
  return { held: promise };
}

describe('an approval that is open on a page', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('takes no answer in the half second after cards have moved', async () => {
    const { server } = console;
    const id = await asking(server, run('touch still'), { title: 'The first' });
    await using watched = await console.open('/settings');
    const { page } = watched;
    await page.clock.install();
    await page.goto(`${server.url}/console/sessions`);
    const strip = page.getByRole('region', { name: 'Needs you' });
    await armed(strip, 'Allow once');
    await page.clock.pauseAt(new Date(Date.now() + 60_000));
    const other = await asking(server, run('touch other'), { title: 'The second' });
    const cards = strip.getByRole('article');
    while ((await cards.count()) < 2) await page.clock.runFor(20);
    const first = cards.filter({ hasText: 'The first' });
    // Neither a mouse, nor a key on the button.
    await first.getByRole('button', { name: 'Allow once' }).click({ force: true });
    await first.getByRole('button', { name: 'Allow once' }).press('Enter');
    await page.clock.runFor(400);
    await first.getByRole('button', { name: 'Allow once' }).click({ force: true });
    await page.clock.runFor(1_000);
    await (await armed(first, 'Deny')).click();
    assert.equal((await decided(server, id)).status, 'denied');
    assert.equal((await pendingOf(server, other)).length, 1);
    await server.ended(id);
    await server.client.sessions.cancel(other);
    await server.ended(other);
  });

  it('takes no answer on its own page, either, before it has stood still for a moment', async () => {
    const { server } = console;
    const id = await asking(server, run('touch moved'));
    await using watched = await openBlank(console.browser, { server: server.url });
    const { page } = watched;
    await page.clock.install();
    await page.clock.pauseAt(new Date(Date.now() + 60_000));
    await page.goto(`${server.url}/console/sessions/${id}`);
    const card = page.getByRole('region', { name: 'May the agent use Bash?' });
    while ((await card.count()) === 0) await page.clock.runFor(20);
    const deny = card.getByRole('button', { name: /^Deny/ });
    assert.equal(await deny.getAttribute('aria-disabled'), 'true');
    await deny.click({ force: true });
    await dropFocus(page);
    await page.keyboard.press('n');
    assert.equal((await pendingOf(server, id)).length, 1);
    await page.clock.runFor(1_500);
    await (await armed(card, 'Deny')).click();
    assert.equal((await decided(server, id)).status, 'denied');
    await server.ended(id);
  });

  it('says who was first and how to whoever answers at the same time', async () => {
    const { server } = console;
    const id = await asking(server, run('touch together'));
    await using first = await console.open(`/sessions/${id}`);
    await using second = await console.open(`/sessions/${id}`);
    second.tolerate(/status of 409/);
    const { held } = await holdAnswer(second.page);
    await (await armed(second.page, 'Deny')).click();
    const route = await held;
    await (await armed(first.page, 'Allow once')).click();
    assert.equal((await decided(server, id)).status, 'allowed');
    await server.ended(id);
    await route.continue();
    const told = second.page.getByText('It was already decided.');
    await told.waitFor();
    await second.page.getByText('allowed by local').first().waitFor();
    assert.equal(await first.page.getByText('It was already decided.').count(), 0);
  });

  it('goes when its time is up, and hands back what somebody was writing, on its page and in the list', async () => {
    const { server } = console;
    const id = await server.execute({ prompt: 'hello', approvals: 'ask', approval_timeout_s: 8 });
    await server.ended(id);
    await using session = await console.open(`/sessions/${id}`);
    await using list = await console.open('/sessions');
    await session.page.getByRole('log').getByText('hello').first().waitFor();
    await list.page.getByRole('row').first().waitFor();
    await asking(server, run('touch late'), { resume_session_id: id });
    const strip = list.page.getByRole('region', { name: 'Needs you' });
    await strip.getByRole('button', { name: 'Look' }).click();
    for (const page of [session.page, list.page]) {
      await page.getByRole('textbox', { name: /^Reason/ }).fill('Not at this hour');
    }
    assert.equal((await decided(server, id)).status, 'expired');
    for (const page of [session.page, list.page]) {
      const left = page.getByRole('alert').filter({ hasText: 'You were writing this' });
      await left.getByText('Not at this hour').waitFor();
      await left.getByText('expired: nobody answered in time').waitFor();
      await left.getByRole('button', { name: 'Dismiss' }).click();
      await left.waitFor({ state: 'detached' });
    }
    await server.ended(id);
  });

  it('goes when its time is up, and says so', async () => {
    const { server } = console;
    const id = await server.execute({ prompt: 'hello', approvals: 'ask', approval_timeout_s: 1 });
    await server.ended(id);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('log').getByText('hello').first().waitFor();
    const card = page.getByRole('region', { name: 'May the agent use Bash?' });
    const seen = card.waitFor();
    await asking(server, run('touch late'), { resume_session_id: id });
    await seen;
    assert.equal((await decided(server, id)).status, 'expired');
    await card.waitFor({ state: 'detached' });
    await server.ended(id);
    const fold = page.getByRole('log').getByRole('button', { name: /^Worked/, expanded: false });
    const says = page.getByRole('log').getByText('expired: nobody answered in time').first();
    await fold.or(says).first().waitFor();
    if (await fold.first().isVisible()) await fold.first().click();
    await says.waitFor();
    assert.equal(await page.getByRole('alert').count(), 0);
  });

  it('counts down by the clock of the server, and keeps drafts over a reload, on a device two hours ahead', async () => {
    const { server } = console;
    const id = await asking(server, run('touch clock'), { approval_timeout_s: 3_000 });
    await using watched = await console.open('/settings');
    const { page } = watched;
    await page.clock.install({ time: Date.now() + TWO_HOURS });
    await page.goto(`${server.url}/console/sessions/${id}`);
    await page.getByText(/denied in 4\dm/).waitFor();
    await page.getByRole('textbox', { name: /^Reason/ }).fill('Half of a reas');
    await page.getByRole('button', { name: 'Edit first…' }).click();
    await page.getByRole('textbox', { name: 'Command' }).fill('touch cloc');
    for (let reload = 0; reload < 2; reload++) {
      await page.reload();
      await page.getByText(/denied in 4\dm/).waitFor();
      assert.equal(await page.getByRole('textbox', { name: /^Reason/ }).inputValue(), 'Half of a reas');
      assert.equal(await page.getByRole('textbox', { name: 'Command' }).inputValue(), 'touch cloc');
    }
    await (await armed(page, 'Allow as edited')).click();
    const { answer } = await decided(server, id);
    assert.match(JSON.stringify(answer?.updated_input), /"touch cloc"/);
    await server.ended(id);
    const left = await page.evaluate(() =>
      Object.keys(localStorage).filter((key) => key.includes('approval')),
    );
    assert.deepEqual(left, []);
  });
});
