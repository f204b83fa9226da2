import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import { sessionDirectories } from '../../server/src/session/directories.ts';
import { type Console, startConsole } from './support/console.ts';
import { untilToldToGo } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';

/** A PNG of one dot. */
const DOT =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** What a browser does with a file from the clipboard, or from another window. */
async function give(
  page: Page,
  file: { event: 'paste' | 'drop'; name: string; type: string; base64: string },
): Promise<void> {
  await page.getByRole('textbox', { name: 'Message to the agent' }).evaluate((field, given) => {
    const bytes = Uint8Array.from(atob(given.base64), (character) => character.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], given.name, { type: given.type }));
    const options = { bubbles: true, cancelable: true };
    field.dispatchEvent(
      given.event === 'paste'
        ? new ClipboardEvent('paste', { ...options, clipboardData: data })
        : new DragEvent('drop', { ...options, dataTransfer: data }),
    );
  }, file);
}

describe('the composer', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  /** A session whose turn goes on until `go`. */
  const busy = async (): Promise<string> => {
    const id = await console.server.execute({ prompt: untilToldToGo, allowed_tools: ['Bash'] });
    await console.server.event(
      id,
      ({ kind, data }) => kind === 'sdk' && JSON.stringify(data).includes('"tool_use"'),
    );
    return id;
  };
  const go = async (id: string): Promise<void> =>
    await writeFile(join(sessionDirectories(console.server.config.dataDir, id).workspace, 'go'), '');
  const turnsOf = async (id: string): Promise<string[]> => {
    const turns = await Array.fromAsync(console.server.client.sessions.turns(id));
    return turns.map(({ prompt, state, delivery }) => `${delivery} ${state}: ${prompt}`);
  };
  const fieldOf = (page: Page): Locator => page.getByRole('textbox', { name: 'Message to the agent' });
  /** Waits with the key until the page knows how the session stands: what it does depends on that. */
  const say = async (page: Page, text: string, keys: string): Promise<void> => {
    await page.getByRole('button', { name: 'Stop', exact: true }).waitFor();
    await fieldOf(page).fill(text);
    await fieldOf(page).press(keys);
  };

  it('resumes a session that has ended', async () => {
    const id = await runTurns(console.server, ['my name is Ada']);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await fieldOf(page).fill('what is my name?');
    await fieldOf(page).press('Enter');
    await page.getByRole('log').getByText('Your name is Ada').waitFor();
    assert.equal(await fieldOf(page).inputValue(), '');
  });

  it('steers with Enter: the running turn takes the message', async () => {
    const id = await busy();
    await using watched = await console.open(`/sessions/${id}`);
    await say(watched.page, 'my name is Ada', 'Enter');
    // It is part of the turn before the agent has read it.
    await watched.page.getByText('Steered the running turn').waitFor();
    await go(id);
    await console.server.event(
      id,
      ({ kind, data }) => kind === 'turn' && data.phase === 'ended' && data.turn === 1,
    );
    assert.match((await turnsOf(id)).join('\n'), /steer .*: my name is Ada/);
  });

  it('queues with Alt-Enter: what waits is edited, sorted and taken back beside it', async () => {
    const id = await busy();
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    for (const text of ['count from 1 to 2', 'count from 1 to 3', 'hello'])
      await say(page, text, 'Alt+Enter');
    const queue = page.getByRole('region', { name: 'Queue' });
    await queue.getByText('3 messages wait').waitFor();
    const row = (text: string): Locator => queue.getByRole('listitem').filter({ hasText: text });

    await row('count from 1 to 2').getByRole('button', { name: 'Edit the message' }).click();
    await queue.getByRole('textbox', { name: 'Edit the message' }).fill('my name is Ada');
    await page.keyboard.press('Enter');
    await row('my name is Ada').waitFor();
    await row('hello').getByRole('button', { name: 'Take back' }).click();
    await queue.getByText('2 messages wait').waitFor();
    await row('count from 1 to 3').getByRole('button', { name: /^Move/ }).focus();
    await page.keyboard.press('ArrowUp');
    await queue.getByRole('listitem').first().filter({ hasText: 'count from 1 to 3' }).waitFor();

    await go(id);
    await page.getByRole('log').getByText('Nice to meet you, Ada.').waitFor();
    await queue.waitFor({ state: 'detached' });
    await console.server.ended(id);
    assert.deepEqual((await turnsOf(id)).slice(1).toSorted(), [
      'queue cancelled: hello',
      'queue completed: count from 1 to 3',
      'queue completed: my name is Ada',
    ]);
    const ran = await console.server.client.sessions.get(id);
    const begun = ran.turns
      .filter(({ started_at: at }) => at !== null)
      .toSorted((a, b) => (a.started_at ?? '').localeCompare(b.started_at ?? ''));
    assert.deepEqual(
      begun.slice(1).map(({ prompt }) => prompt),
      ['count from 1 to 3', 'my name is Ada'],
    );
  });

  it('interrupts with Mod-Shift-Enter: what runs is stopped, and the message runs next', async () => {
    const id = await busy();
    await using watched = await console.open(`/sessions/${id}`);
    await say(watched.page, 'my name is Ada', 'ControlOrMeta+Shift+Enter');
    await watched.page.getByRole('log').getByText('Nice to meet you, Ada.').waitFor();
    await console.server.ended(id);
    const [first, second] = await turnsOf(id);
    assert.match(first ?? '', /^queue (cancelled|error)/);
    assert.equal(second, 'interrupt completed: my name is Ada');
  });

  it('stops what runs, and loses neither what waits nor what is being written', async () => {
    const id = await busy();
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await say(page, 'hello', 'Alt+Enter');
    await page.getByRole('region', { name: 'Queue' }).getByText('hello').waitFor();
    await fieldOf(page).fill('half a thought');
    await page.getByRole('button', { name: 'Stop', exact: true }).click();
    const kept = page.getByRole('region', { name: 'Kept messages' });
    await kept.getByText('hello').waitFor();
    await page.reload();
    await kept.getByText('hello').waitFor();
    assert.equal(await fieldOf(page).inputValue(), 'half a thought');
    await kept.getByRole('button', { name: 'Send' }).click();
    await page.getByRole('log').getByText('Hello!').waitFor();
    await kept.waitFor({ state: 'detached' });
  });

  it('completes paths of the workspace after an @, and takes files that are given to it', async () => {
    const id = await runTurns(console.server, ['create a file src/deep/needle.ts with x'], {
      allowed_tools: ['Write'],
    });
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await fieldOf(page).pressSequentially('read @need');
    await page.getByRole('option', { name: /needle\.ts/ }).waitFor();
    await page.keyboard.press('Enter');
    assert.match(await fieldOf(page).inputValue(), /^read @src\/deep\/needle\.ts/);
  });

  it('takes images that are pasted and files that are dropped, and sends them', async () => {
    const id = await runTurns(console.server, ['hello']);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await fieldOf(page).focus();
    await give(page, { event: 'paste', name: 'dot.png', type: 'image/png', base64: DOT });
    const attachments = page.getByRole('list', { name: 'Attachments' });
    await attachments.getByText('dot.png').waitFor();
    await give(page, {
      event: 'drop',
      name: 'notes of today.txt',
      type: 'text/plain',
      base64: btoa('three'),
    });
    await page.waitForFunction(() => document.querySelector('textarea')?.value.includes('notes'));
    await fieldOf(page).press('ControlOrMeta+Home');
    await fieldOf(page).pressSequentially('read ');
    await fieldOf(page).press('Enter');
    await page.getByRole('log').getByRole('img', { name: 'Image 1 of the prompt' }).waitFor();
    await attachments.waitFor({ state: 'detached' });
    await console.server.ended(id);
    const { entries } = await console.server.client.sessions.files.list(id, { path: 'uploads' });
    assert.deepEqual(
      entries.map(({ name, size }) => [name, size]),
      [['notes of today.txt', 5]],
    );
  });

  it('changes model and permission mode of a session that runs', async () => {
    const id = await busy();
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('button', { name: /^Permission mode/ }).click();
    await page.getByRole('menuitemradio', { name: /Accept edits/ }).click();
    await page.getByRole('button', { name: /Permission mode.*Accept edits/ }).waitFor();
    const { options } = await console.server.client.sessions.get(id);
    assert.equal(options.permission_mode, 'acceptEdits');
    await go(id);
    await console.server.ended(id);
  });
});
