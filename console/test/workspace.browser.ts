import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { armed, asking, pendingOf } from './support/asking.ts';
import { type Console, startConsole } from './support/console.ts';
import { run, runInBackground } from './support/demo-prompts.ts';
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

  /** By one answer: a rule for any `touch`, and with it the call that was asked for. */
  const allowedForSession = async (): Promise<string> => {
    const { server } = console;
    const id = await asking(server, run('touch asked.txt'));
    for (const { approval_id: approval } of await pendingOf(server, id)) {
      await server.client.approvals.allow(approval, { scope: 'session', rules: ['Bash(touch *)'] });
    }
    await server.ended(id);
    return id;
  };

  /** Has the session run the command, sees on its page that it asks, and denies it. */
  const assertAsks = async (page: Page, command: string): Promise<void> => {
    const { server } = console;
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    await server.execute({ prompt: run(command), resume_session_id: id });
    const card = page.getByRole('region', { name: 'May the agent use Bash?' });
    await card.getByText(command).first().waitFor();
    await (await armed(card, 'Deny')).click();
    await server.ended(id);
    assert.equal((await pendingOf(server, id)).length, 0);
  };

  it('show what one answer allowed, and take it back piece by piece: the agent asks again', async () => {
    const { server } = console;
    const id = await allowedForSession();
    await using watched = await console.open(`/sessions/${id}?panel=options`);
    const { page } = watched;
    const panel = page.getByRole('tabpanel');
    const rule = panel.getByRole('button', { name: 'Take back: Bash(touch *)', exact: true });
    const call = panel.getByRole('button', { name: /^Take back: Bash \{.*touch asked\.txt/ });
    await call.waitFor();
    await rule.click();
    await rule.waitFor({ state: 'detached' });
    assert.equal(await call.count(), 1, 'the very call is still allowed');
    // What is shown as allowed runs, and nothing else does.
    await server.execute({ prompt: run('touch asked.txt'), resume_session_id: id });
    await server.ended(id);
    await assertAsks(page, 'touch other.txt');
    await call.click();
    await panel.getByText('Nothing.').waitFor();
    await assertAsks(page, 'touch asked.txt');
    assert.deepEqual((await server.client.sessions.get(id)).grants, []);
  });

  it('take back all that one answer allowed', async () => {
    const id = await allowedForSession();
    await using watched = await console.open(`/sessions/${id}?panel=options`);
    const { page } = watched;
    await page.getByRole('tabpanel').getByRole('button', { name: 'Take all 2 back' }).click();
    await page.getByRole('tabpanel').getByText('Nothing.').waitFor();
    await assertAsks(page, 'touch asked.txt');
  });

  /** The requests of a page that is open while a turn runs until its end is seen. */
  const requestsWhile = async (
    prompt: string,
  ): Promise<{ paths: string[]; events: number; seconds: number }> => {
    const { server } = console;
    const id = await runTurns(server, ['hello'], { allowed_tools: ['Bash', 'Read'], background_tasks: true });
    await server.client.sessions.files.write(id, 'read.txt', 'to be read');
    await using watched = await console.open(`/sessions/${id}?panel=events`);
    const { page } = watched;
    const panel = page.getByRole('tabpanel');
    await page.getByText('Live', { exact: true }).waitFor();
    await panel.getByRole('listitem').first().waitFor();
    const paths: string[] = [];
    page.on('request', (request) => paths.push(new URL(request.url()).pathname.replace(id, 'id')));
    const begun = performance.now();
    await server.execute({ prompt, resume_session_id: id });
    await server.ended(id);
    const { last_seq: last } = await server.client.sessions.get(id);
    await panel.getByText(String(last), { exact: true }).waitFor();
    return { paths, events: last, seconds: (performance.now() - begun) / 1_000 };
  };

  for (const { of, prompt, least } of [
    { of: 'calls', prompt: repeated('read read.txt', 70, '\n'), least: 200 },
    { of: 'background tasks', prompt: repeated(runInBackground('true'), 50, ' and also '), least: 150 },
  ]) {
    it(`are read again about once a second at most, however many ${of} a turn has`, async () => {
      const { paths, events, seconds } = await requestsWhile(prompt);
      assert.ok(events > least, `only ${events} events`);
      for (const [path, all = []] of Object.entries(Object.groupBy(paths, (path) => path))) {
        assert.ok(
          all.length < 6 + 1.5 * seconds,
          `${all.length} of ${path} for ${events} events in ${seconds} s`,
        );
      }
    });
  }
});

function repeated(text: string, count: number, between: string): string {
  return Array.from({ length: count }, () => text).join(between);
}
