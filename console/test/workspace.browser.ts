import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Console, startConsole } from './support/console.ts';
import { runTurns } from './support/seeded.ts';

describe('the panels beside a session', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('open, show and download files whatever they are called', async () => {
    const id = await runTurns(console.server, ['hello']);
    const names = [
      '<img src=x onerror=alert(1)>.txt',
      '100% #1?&a=b.txt',
      '日本語 メモ.txt',
      'a\u202etxt.exe',
    ];
    const { files } = console.server.client.sessions;
    for (const name of names) await files.write(id, name, `inside ${name.length}`);
    await using watched = await console.open(`/sessions/${id}?panel=files`);
    const { page } = watched;
    const panel = page.getByRole('tabpanel');
    for (const name of names) {
      await panel.getByRole('button', { name: name.replace('\u202e', 'U+202E') }).click();
      await panel.getByText(`inside ${name.length}`).waitFor();
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        panel.getByRole('link', { name: 'Download' }).click(),
      ]);
      assert.equal(await download.failure(), null);
      // It can be linked to: the address holds it.
      await page.reload();
      await panel.getByText(`inside ${name.length}`).waitFor();
      await panel.getByRole('button', { name: 'Workspace' }).click();
    }
    assert.equal(await page.locator('main img').count(), 0);
  });
});
