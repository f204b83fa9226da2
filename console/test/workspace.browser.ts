import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Console, startConsole } from './support/console.ts';
import { inOrder, run, use } from './support/demo-prompts.ts';
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

  it('show what was allowed for the session, and take it back', async () => {
    const id = await console.server.execute({ prompt: run('touch asked.txt'), approvals: 'ask' });
    await console.server.event(id, (event) => event.kind === 'approval');
    for await (const approval of console.server.client.approvals.list({ status: 'pending' }))
      await console.server.client.approvals.allow(approval.approval_id, {
        scope: 'session',
        rules: ['Bash(touch:*)'],
      });
    await console.server.ended(id);
    await using watched = await console.open(`/sessions/${id}?panel=options`);
    const panel = watched.page.getByRole('tabpanel');
    await panel.getByRole('button', { name: /^Take back: Bash\(touch/ }).click();
    await panel.getByText('Nothing.').waitFor();
    assert.deepEqual((await console.server.client.sessions.get(id)).grants, []);
  });

  it('are read again seldom while a turn of many events runs', async () => {
    const id = await runTurns(console.server, ['hello'], { allowed_tools: ['TodoWrite'] });
    await using watched = await console.open(`/sessions/${id}?panel=events`);
    const { page } = watched;
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('tabpanel').getByRole('listitem').first().waitFor();
    let requests = 0;
    page.on('request', () => requests++);
    const begun = performance.now();
    const todos = [{ content: 'one', status: 'pending', activeForm: 'one' }];
    const prompt = inOrder(...Array.from({ length: 20 }, () => use('TodoWrite', { todos })));
    await console.server.execute({ prompt, resume_session_id: id });
    await console.server.ended(id);
    const { last_seq: last } = await console.server.client.sessions.get(id);
    await page.getByRole('tabpanel').getByText(String(last), { exact: true }).waitFor();
    const seconds = (performance.now() - begun) / 1_000;
    assert.ok(last > 60, `only ${last} events`);
    assert.ok(requests < 30 + 4 * seconds, `${requests} requests for ${last} events in ${seconds} s`);
  });
});
