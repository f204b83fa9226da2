import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Console, startConsole } from './support/console.ts';
import { tabTo } from './support/keyboard.ts';
import { makeKey, signIn } from './support/sign-in.ts';

/** Chromium says so of an answer that refuses a draft. */
const refused = /status of 422/;

describe('the form of a new session', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  const prompt = (page: Page) => page.getByRole('textbox', { name: 'Prompt', exact: true });
  const startButton = (page: Page) => page.getByRole('button', { name: /^Start/ });
  const openGroup = async (page: Page, name: string): Promise<void> =>
    await page.locator('summary', { hasText: name }).click();
  /** The id of the session that the page went to. */
  const started = async (page: Page): Promise<string> => {
    await page.waitForURL(/\/sessions\/[0-9a-f-]+/);
    return /\/sessions\/([0-9a-f-]+)/.exec(page.url())?.[1] ?? assert.fail(page.url());
  };

  it('is started from the form with what was chosen in it', async () => {
    await using watched = await console.open('/new');
    const { page } = watched;
    await prompt(page).fill('hello');
    await page.getByLabel('Title').fill('From the form');
    await page.getByLabel('Permission mode').click();
    await page.getByRole('option', { name: 'acceptEdits' }).click();
    await openGroup(page, 'Advanced');
    await page.getByLabel('Labels').fill('project=shop\nticket=1');
    await startButton(page).click();
    const session = await console.server.client.sessions.get(await started(page));
    assert.deepEqual(
      [session.title, session.options.permission_mode, session.metadata],
      ['From the form', 'acceptEdits', { project: 'shop', ticket: '1' }],
    );
    // What was started is not offered again.
    await page.getByRole('link', { name: 'New session' }).click();
    assert.equal(await prompt(page).inputValue(), '');
  });

  it('is started by keyboard alone', async () => {
    await using watched = await console.open('/new');
    const { page } = watched;
    await prompt(page).waitFor();
    await page.keyboard.type('hello by keyboard');
    await tabTo(page, page.getByLabel('Title'));
    await page.keyboard.type('Typed');
    await tabTo(page, page.locator('summary', { hasText: 'Limits' }));
    await page.keyboard.press('Enter');
    await tabTo(page, page.getByLabel('Model calls in a turn'));
    await page.keyboard.type('3');
    await page.keyboard.press('Control+Enter');
    const session = await console.server.client.sessions.get(await started(page));
    assert.deepEqual([session.title, session.options.max_turns], ['Typed', 3]);
  });

  it('is one body, in the form and as JSON, and both follow each other', async () => {
    await using watched = await console.open('/new');
    const { page } = watched;
    await prompt(page).fill('from the form');
    await page.getByRole('tab', { name: 'JSON' }).click();
    const json = page.getByLabel('Body of POST /execute/');
    assert.deepEqual(JSON.parse(await json.inputValue()), { approvals: 'ask', prompt: 'from the form' });
    await json.fill('{"prompt": "from the JSON", "max_turns": 7}');
    await page.getByRole('tab', { name: 'Form' }).click();
    assert.equal(await prompt(page).inputValue(), 'from the JSON');
    await openGroup(page, 'Limits');
    assert.equal(await page.getByLabel('Model calls in a turn').inputValue(), '7');
    await page.getByLabel('Model calls in a turn').fill('8');
    await page.getByRole('tab', { name: 'JSON' }).click();
    assert.deepEqual(JSON.parse(await json.inputValue()), { prompt: 'from the JSON', max_turns: 8 });
    await page.getByRole('button', { name: 'Clear' }).click();
    assert.equal(await json.inputValue(), '{\n  "approvals": "ask"\n}');
    await json.fill('{"prompt": "x"');
    await page.getByText('The JSON is not whole yet.').waitFor();
    assert.ok(await startButton(page).isDisabled());
  });

  it('does not start without what was typed and is no value yet', async () => {
    await using watched = await console.open('/new');
    const { page } = watched;
    await prompt(page).fill('hello');
    await openGroup(page, 'MCP');
    await page.getByLabel('MCP servers').fill('{"docs": {');
    await page.getByText('This is no JSON yet.').waitFor();
    await page.getByText('mcp_servers is no value yet.').waitFor();
    assert.ok(await startButton(page).isDisabled());
    // It is not lost where another view is looked at.
    await page.getByRole('tab', { name: 'curl' }).click();
    await page.getByRole('tab', { name: 'Form' }).click();
    await openGroup(page, 'MCP');
    assert.equal(await page.getByLabel('MCP servers').inputValue(), '{"docs": {');
    await page.getByLabel('MCP servers').fill('');
    await page.getByText('mcp_servers is no value yet.').waitFor({ state: 'detached' });
    assert.ok(await startButton(page).isEnabled());
  });

  it('says at the field what the server would refuse', async () => {
    await using watched = await console.open('/new');
    watched.tolerate(refused);
    const { page } = watched;
    await prompt(page).fill('hello');
    const budget = page.getByLabel('Budget in US$');
    await budget.fill('-3');
    await page.locator('[aria-invalid=true]').waitFor();
    assert.equal(await budget.getAttribute('aria-invalid'), 'true');
    await budget.fill('3');
    await page.locator('[aria-invalid=true]').waitFor({ state: 'detached' });
  });

  it('is kept as a preset, used with a value that nobody sees again, and the preset is deleted', async () => {
    await using watched = await console.open('/new');
    const { page } = watched;
    await openGroup(page, 'Workspace');
    await page.getByLabel('Environment').fill('TOKEN=top-secret');
    const presets = page.getByRole('button', { name: 'Presets' });
    await presets.click();
    await page.getByRole('menuitem', { name: 'Keep as preset…' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('With a token');
    await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Clear' }).click();

    await presets.click();
    await page.getByRole('menuitem', { name: 'With a token', exact: true }).click();
    await page.getByRole('button', { name: 'Leave the preset' }).waitFor();
    await page.getByRole('tab', { name: 'JSON' }).click();
    assert.match(await page.getByLabel('Body of POST /execute/').inputValue(), /"TOKEN": "\*{8}"/);
    await page.getByRole('tab', { name: 'Form' }).click();
    await prompt(page).fill('run: test "$TOKEN" = top-secret && echo it is there');
    await openGroup(page, 'Permissions');
    await page.getByLabel('Allowed tools').fill('Bash');
    await startButton(page).click();
    await page.getByRole('log').getByText('it is there', { exact: true }).first().waitFor();

    await page.getByRole('link', { name: 'New session' }).click();
    await presets.click();
    await page.getByRole('menuitem', { name: 'Delete “With a token”' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.deepEqual((await console.server.client.presets.list()).length, 0);
  });
});

describe('what a key may not do', () => {
  it('is greyed in the form of a new session, with the reason', async () => {
    await using console = await startConsole();
    const { server } = console;
    const operator = server.as(await makeKey(server, ['operator']));
    const key = await makeKey(operator, ['sessions:read', 'sessions:write']);
    await using watched = await console.open('/sign-in');
    watched.tolerate(/status of 401/);
    const { page } = watched;
    await signIn(page, { server, key });
    await page.goto(`${server.url}/console/new`);
    await page.getByLabel('Permission mode').click();
    const bypass = page.getByRole('option', { name: /bypassPermissions \(.+\)/ });
    await bypass.waitFor();
    assert.equal(await bypass.getAttribute('aria-disabled'), 'true');
  });
});
