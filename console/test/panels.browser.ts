import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { formatCost } from '../src/i18n/format.ts';
import { type Console, startConsole } from './support/console.ts';
import { edit, inOrder, run, write } from './support/demo-prompts.ts';
import { tabTo } from './support/keyboard.ts';
import { runTurns } from './support/seeded.ts';

describe('beside a session', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  const changed = async (): Promise<string> =>
    await runTurns(
      console.server,
      [write('greet.txt', 'hello world'), edit('greet.txt', { replace: 'world', by: 'Greenroom' })],
      { allowed_tools: ['Write', 'Read', 'Edit'] },
    );

  it('lines of its changes are commented, and the comments are sent as one message', async () => {
    const id = await changed();
    await using watched = await console.open(`/sessions/${id}?panel=changes`);
    const { page } = watched;
    const diff = page.getByRole('tabpanel');
    await diff.getByText('hello Greenroom').waitFor();
    for (const text of ['Say good evening instead.', 'And end with a full stop.']) {
      await diff.getByRole('button', { name: 'Comment on line 1' }).last().click();
      await diff.getByRole('textbox', { name: 'Comment', exact: true }).fill(text);
      await page.keyboard.press('Control+Enter');
    }
    await diff.getByText('2 comments').waitFor();
    // They are not lost with the page.
    await page.reload();
    await diff.getByText('2 comments').waitFor();
    await diff.getByRole('button', { name: 'Send as one message' }).click();
    await diff.getByText('2 comments').waitFor({ state: 'detached' });
    await console.server.ended(id);
    const { turns } = await console.server.client.sessions.get(id);
    assert.equal(turns.length, 3);
    assert.match(turns.at(-1)?.prompt ?? '', /greet\.txt[\s\S]*good evening[\s\S]*full stop/);
  });

  it('changes are those of the whole session, or of the last turn', async () => {
    const id = await changed();
    await using watched = await console.open(`/sessions/${id}?panel=changes`);
    const { page } = watched;
    const panel = page.getByRole('tabpanel');
    await panel.getByText('added', { exact: true }).waitFor();
    await panel.getByRole('combobox', { name: 'Changes since' }).click();
    await page.getByRole('option', { name: 'Last turn' }).click();
    await panel.getByText('modified', { exact: true }).waitFor();
    await panel.getByText('hello world').first().waitFor();
  });

  it('its cost is seen, turn by turn', async () => {
    const id = await changed();
    const { cost_usd: cost, turns } = await console.server.client.sessions.get(id);
    await using watched = await console.open(`/sessions/${id}?panel=overview`);
    const panel = watched.page.getByRole('tabpanel');
    await panel.getByText(formatCost(cost, 'en-US')).first().waitFor();
    await panel.getByText('Numbers').click();
    for (const turn of turns) {
      await panel.getByRole('row').getByText(formatCost(turn.cost_usd, 'en-US')).first().waitFor();
    }
  });

  it('its files are looked at, uploaded, downloaded and deleted', async () => {
    const id = await changed();
    await using watched = await console.open(`/sessions/${id}?panel=files`);
    const { page } = watched;
    const panel = page.getByRole('tabpanel');
    await panel.getByRole('button', { name: 'greet.txt' }).click();
    await panel.getByText('hello Greenroom').waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      panel.getByRole('link', { name: 'Download' }).click(),
    ]);
    assert.equal(download.suggestedFilename(), 'greet.txt');
    await page.goto(`${console.server.url}/console/sessions/${id}?panel=files`);
    await panel.locator('input[type=file]').setInputFiles({
      name: 'Ünïcode ✓.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('uploaded'),
    });
    await panel.getByRole('button', { name: 'Ünïcode ✓.txt' }).click();
    await panel.getByText('uploaded').waitFor();
    await panel.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await panel.getByRole('button', { name: 'greet.txt' }).waitFor();
    const { entries } = await console.server.client.sessions.files.list(id);
    assert.deepEqual(
      entries.map(({ name }) => name),
      ['greet.txt'],
    );
  });

  it('its events are filtered, and opened by keyboard', async () => {
    const id = await runTurns(console.server, [inOrder(run('echo one'), run('echo two'))], {
      allowed_tools: ['Bash'],
    });
    await using watched = await console.open(`/sessions/${id}?panel=events`);
    const { page } = watched;
    const panel = page.getByRole('tabpanel');
    const filter = panel.getByRole('searchbox', { name: 'Filter' });
    await filter.waitFor();
    await tabTo(page, filter);
    await page.keyboard.type('echo two');
    const event = panel.getByRole('listitem').getByRole('button', { expanded: false }).first();
    await event.waitFor();
    await tabTo(page, event);
    await page.keyboard.press('Enter');
    await panel.getByRole('button', { expanded: true }).first().waitFor();
    await panel.getByRole('listitem').getByText('content').first().waitFor();
  });
});
