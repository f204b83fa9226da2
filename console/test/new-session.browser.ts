import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Console, startConsole } from './support/console.ts';
import { makeKey, signIn } from './support/sign-in.ts';

describe('a new session', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('is started from its form, by keyboard, and is there at once', async () => {
    await using watched = await console.open('/new');
    const { page } = watched;
    await page.getByRole('textbox', { name: 'Prompt' }).fill('count from 1 to 5');
    await page.keyboard.press('ControlOrMeta+Enter');
    await page.waitForURL(/\/sessions\/[0-9a-f-]{36}/);
    await page
      .getByRole('log')
      .getByText(/3\s+4\s+5/)
      .waitFor();
  });

  it('is one body in four views', async () => {
    await using watched = await console.open('/new');
    const { page } = watched;
    await page.getByRole('textbox', { name: 'Prompt' }).fill("what's up?");
    await page.getByRole('textbox', { name: 'Title' }).fill('A question');
    await page.getByRole('tab', { name: 'curl' }).click();
    await page
      .getByRole('tabpanel')
      .getByText(/curl[\s\S]*\/execute\/[\s\S]*A question/)
      .waitFor();
    await page.getByRole('tab', { name: 'TypeScript' }).click();
    await page
      .getByRole('tabpanel')
      .getByText(/client\.execute/)
      .waitFor();
    await page.getByRole('tab', { name: 'JSON' }).click();
    const body = page.getByRole('textbox', { name: 'Body of POST /execute/' });
    assert.deepEqual(JSON.parse(await body.inputValue()), {
      approvals: 'ask',
      prompt: "what's up?",
      title: 'A question',
    });
    await body.fill('{"prompt": "hello", "title": "Edited as JSON"}');
    await page.getByRole('tab', { name: 'Form' }).click();
    assert.equal(await page.getByRole('textbox', { name: 'Title' }).inputValue(), 'Edited as JSON');
  });

  it('is checked by the server before it is started', async () => {
    await using watched = await console.open('/new');
    watched.tolerate(/status of 422/);
    const { page } = watched;
    await page.getByRole('textbox', { name: 'Prompt' }).fill('hello');
    await page.getByRole('tab', { name: 'JSON' }).click();
    await page
      .getByRole('textbox', { name: 'Body of POST /execute/' })
      .fill('{"prompt": "hello", "max_turns": -1}');
    await page.getByRole('tabpanel').getByRole('listitem').filter({ hasText: 'max_turns' }).waitFor();
  });

  it('is kept as a preset in the server, for every browser', async () => {
    {
      await using watched = await console.open('/new');
      const { page } = watched;
      await page.getByRole('textbox', { name: 'Prompt' }).fill('say hello');
      await page.getByRole('button', { name: 'Presets' }).click();
      await page.getByRole('menuitem', { name: 'Keep as preset…' }).click();
      await page.getByRole('textbox', { name: 'Name' }).fill('Greeting');
      await page.getByRole('button', { name: 'Save' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }
    await using watched = await console.open('/new');
    const { page } = watched;
    await page.getByRole('button', { name: 'Presets' }).click();
    await page.getByRole('menuitem', { name: 'Greeting', exact: true }).click();
    assert.equal(await page.getByRole('textbox', { name: 'Prompt' }).inputValue(), 'say hello');
  });

  it('says what a key may not do, and why', async () => {
    await using locked = await startConsole();
    const operator = await makeKey(locked.server, ['operator']);
    const reader = await makeKey(locked.server.as(operator), ['sessions:read']);
    await using watched = await locked.open('/sign-in');
    watched.tolerate(/status of 401/, /status of 403/);
    const { page } = watched;
    await signIn(page, { server: locked.server, key: reader });
    await page.goto(`${locked.server.url}/console/new`);
    await page
      .getByText(/lacks the scope/)
      .first()
      .waitFor();
    await page.getByRole('textbox', { name: 'Prompt' }).fill('hello');
    assert.ok(await page.getByRole('button', { name: 'Start' }).isDisabled());
  });
});
