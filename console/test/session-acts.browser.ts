import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Console, startConsole } from './support/console.ts';
import { edit, write } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';

describe('with all of a session', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  const written = async (): Promise<string> =>
    await runTurns(
      console.server,
      [write('a.txt', 'one'), edit('a.txt', { replace: 'one', by: 'two' }), 'my name is Ada'],
      { allowed_tools: ['Write', 'Read', 'Edit'], title: 'Numbers' },
    );
  const choose = async (page: Page, item: string | RegExp): Promise<void> => {
    await page.getByRole('button', { name: 'More for this session' }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  const contentOf = async (id: string, path: string): Promise<string> =>
    Buffer.from(await console.server.client.sessions.files.read(id, path)).toString();

  it('a fork begins with its history, and goes its own way', async () => {
    const id = await written();
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await choose(page, 'Fork…');
    const dialog = page.getByRole('dialog', { name: 'Fork the session' });
    await dialog.getByRole('textbox', { name: 'First message' }).fill('what is my name?');
    await dialog.getByRole('button', { name: 'Fork', exact: true }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await page.getByRole('log').getByText('Your name is Ada').waitFor();
    const fork = page.url().split('/').at(-1) ?? '';
    assert.equal((await console.server.client.sessions.get(fork)).parent_id, id);
    assert.equal((await console.server.client.sessions.get(id)).turns.length, 3);
  });

  it('a fork begins before a prompt, which can be another one then', async () => {
    const id = await written();
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const row = page.getByRole('log').locator('[data-index]').filter({ hasText: 'my name is Ada' }).first();
    await row.hover();
    await row.getByRole('button', { name: 'More for this place' }).click();
    await page.getByRole('menuitem', { name: 'Fork before this…' }).click();
    const prompt = page.getByRole('dialog').getByRole('textbox', { name: 'First message' });
    assert.equal(await prompt.inputValue(), 'my name is Ada');
    await prompt.fill('my name is Grace');
    await page.getByRole('dialog').getByRole('button', { name: 'Fork', exact: true }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await page.getByRole('log').getByText('Nice to meet you, Grace.').waitFor();
    assert.equal(await page.getByRole('log').getByText('Ada').count(), 0);
  });

  it('a rewind shows what it would change before it does', async () => {
    const id = await written();
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await choose(page, 'Rewind files…');
    const dialog = page.getByRole('dialog', { name: 'Rewind files' });
    await dialog.getByText('is deleted').waitFor();
    await dialog.getByRole('combobox').click();
    await page.getByRole('option', { name: /^before turn 2/ }).click();
    await dialog.getByText('is restored').waitFor();
    assert.equal(await contentOf(id, 'a.txt'), 'two');
    await dialog.getByRole('button', { name: 'Rewind 1 file' }).click();
    await dialog.waitFor({ state: 'detached' });
    await page.getByText('1 file was put back.').waitFor();
    assert.equal(await contentOf(id, 'a.txt'), 'one');
  });

  it('a title is changed by keyboard, for every browser', async () => {
    const id = await written();
    await using watched = await console.open(`/sessions/${id}`);
    await using other = await console.open('/sessions');
    const { page } = watched;
    await page.getByRole('heading', { name: 'Numbers' }).waitFor();
    await choose(page, 'Rename');
    await page.getByRole('textbox', { name: 'Rename' }).fill('数字の話');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: '数字の話' }).waitFor();
    await other.page.getByRole('link', { name: '数字の話' }).waitFor();
  });

  it('all of it is exported, as Markdown and line by line', async () => {
    const id = await written();
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const texts: string[] = [];
    for (const name of ['Export as Markdown', 'Export as JSONL']) {
      const [download] = await Promise.all([page.waitForEvent('download'), choose(page, name)]);
      texts.push(await readFile(await download.path(), 'utf8'));
    }
    const [markdown = '', lines = ''] = texts;
    assert.match(markdown, /my name is Ada[\s\S]*Nice to meet you/);
    const { last_seq: last } = await console.server.client.sessions.get(id);
    const seqs = lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).seq);
    assert.deepEqual(
      seqs,
      Array.from({ length: last }, (_, index) => index + 1),
    );
  });

  it('a deletion is asked about first; whoever looks at it is told', async () => {
    const id = await written();
    await using watched = await console.open(`/sessions/${id}`);
    await using other = await console.open(`/sessions/${id}`);
    await other.page.getByText('Live', { exact: true }).waitFor();
    other.tolerate(/status of 404/);
    watched.tolerate(/status of 404/);
    const { page } = watched;
    await page.getByRole('heading', { name: 'Numbers' }).waitFor();
    await choose(page, 'Delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL(/\/sessions$/);
    await other.page.getByText(/^This session was deleted/).waitFor();
  });
});
