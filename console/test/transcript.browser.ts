import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Console, startConsole } from './support/console.ts';
import { delegate, run, runInBackground, untilToldToGo } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';

describe('the transcript of a session', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  /** A subagent that goes on until somebody stops it. */
  const delegating = async (): Promise<string> => {
    const id = await console.server.execute({
      prompt: delegate(untilToldToGo),
      allowed_tools: ['Agent', 'Bash'],
    });
    await console.server.event(
      id,
      ({ kind, data }) =>
        kind === 'sdk' && 'parent_tool_use_id' in data && data.parent_tool_use_id !== null && isCall(data),
    );
    return id;
  };

  it('is searched, also in what is folded, and its outline leads to a prompt', async () => {
    const prompts = [run('echo needle-in-the-fold'), 'count from 1 to 300', 'my name is Ada', 'hello'];
    const id = await runTurns(console.server, prompts, { allowed_tools: ['Bash'] });
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const transcript = page.getByRole('log');
    await transcript.getByText('Hello!').waitFor();
    await page.keyboard.press('ControlOrMeta+f');
    await page.keyboard.type('needle-in-the-FOLD');
    const status = page.getByRole('search').getByRole('status');
    await status.getByText(/^\d of \d$/).waitFor();
    // From the newest to the oldest that has it: the prompt.
    while (!(await status.innerText()).startsWith('1 of')) await page.keyboard.press('Shift+Enter');
    await transcript.getByText('run: echo needle-in-the-fold').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('search').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Prompts' }).click();
    await page.getByRole('searchbox', { name: 'Filter prompts' }).fill('ada');
    const entries = page.getByRole('dialog', { name: 'Prompts' }).getByRole('listitem');
    await entries.getByText('my name is Ada').waitFor();
    assert.equal(await entries.count(), 1);
    await entries.getByRole('button').click();
    await inSight(page, 'my name is Ada');
  });

  it('has its subagents as a tree, each with a transcript of its own, and stops one alone', async () => {
    const id = await delegating();
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('button', { name: '1 subagent' }).click();
    const tree = page.getByRole('dialog', { name: '1 subagent' });
    await tree.getByText('Running', { exact: true }).waitFor();
    await tree.getByRole('link').click();
    await page.getByRole('log').getByText('until [ -e go ]').first().waitFor();
    assert.equal(new URL(page.url()).searchParams.has('agent'), true);
    await page.goBack();
    await page.getByRole('button', { name: '1 subagent' }).click();
    await tree.getByRole('button', { name: 'Stop this subagent' }).click();
    assert.equal((await console.server.ended(id)).status, 'completed');
    await tree.getByText('Stopped', { exact: true }).waitFor();
  });

  it('has beside it what goes on in the background, which is stopped alone', async () => {
    const id = await console.server.execute({
      prompt: runInBackground('sleep 300'),
      allowed_tools: ['Bash'],
      background_tasks: true,
    });
    await console.server.ended(id);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const pill = page.getByRole('button', { name: '1 task in the background' });
    await pill.click();
    await page.getByRole('button', { name: /^Stop sleep 300/ }).click();
    await pill.waitFor({ state: 'detached' });
    const [task] = await console.server.client.sessions.tasks.list(id);
    assert.equal(task?.status, 'stopped');
    await page.keyboard.press('Escape');
  });
});

function isCall(data: object): boolean {
  return JSON.stringify(data).includes('[ -e go ]');
}

/** Until the row with this text is where one looks. */
async function inSight(page: Page, text: string): Promise<void> {
  const row = page.getByRole('log').getByText(text, { exact: true });
  await row.waitFor();
  await row.evaluate(async (element) => {
    await new Promise<void>((resolve) => {
      new IntersectionObserver((entries, observer) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        resolve();
      }).observe(element);
    });
  });
}
