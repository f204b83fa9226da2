import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import type { Locator } from 'playwright-core';
import { armed, asking, decided, dropFocus, pendingOf } from './support/asking.ts';
import { assertAccessible, assertAccessibleInBothThemes } from './support/axe.ts';
import { type Console, openBlank, startConsole } from './support/console.ts';
import { ask, askForSeveral, plan, run, use } from './support/demo-prompts.ts';
import { tabTo } from './support/keyboard.ts';
import { makeKey, signIn } from './support/sign-in.ts';

const SMALLEST_TARGET = 44;
const APART = 8;

const lookup = {
  name: 'lookup',
  description: 'Looks something up.',
  read_only: true,
  input_schema: { type: 'object', properties: { word: { type: 'string' } } },
};

const kinds = [
  { title: 'May the agent use Bash?', prompt: run('rm -rf build'), options: {} },
  { title: 'May the agent use Write?', prompt: 'create a file a.ts with const a = 1;', options: {} },
  { title: 'The agent asks you', prompt: askForSeveral('Which sizes?', ['S', 'M', 'L']), options: {} },
  {
    title: 'May the agent begin with this plan?',
    prompt: plan('First the tests, then the code.'),
    options: { permission_mode: 'plan' },
  },
  {
    title: /waits for your tool/,
    prompt: use('mcp__client__lookup', { word: 'greenroom' }),
    options: { client_tools: [lookup] },
  },
];

describe('the cards of approvals', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  const forget = async (id: string): Promise<void> => {
    await console.server.client.sessions.cancel(id);
    await console.server.ended(id);
  };

  /** To what the program itself might not let through, or the demo model not read. */
  const changeInput = async (id: string, input: object): Promise<void> => {
    const { db } = console.server.context.database;
    await sql`update approvals set input = ${JSON.stringify(input)}::jsonb where session_id = ${id}`.execute(
      db,
    );
  };

  it('are accessible, each kind of them, light and dark and in Japanese', async () => {
    const { server } = console;
    for (const { title, prompt, options } of kinds) {
      const id = await asking(server, prompt, options);
      await using watched = await console.open(`/sessions/${id}`);
      await watched.page.getByRole('region', { name: title }).waitFor();
      await watched.page.getByRole('heading', { level: 1 }).waitFor();
      await assertAccessibleInBothThemes(watched.page, `the card "${title}"`);
      await using japanese = await console.open(`/sessions/${id}`, { locale: 'ja-JP' });
      const card = japanese.page.getByRole('region', { name: 'あなたの対応待ち' }).locator('section');
      await card.first().waitFor();
      await japanese.page.getByRole('heading', { level: 1 }).waitFor();
      await assertAccessible(japanese.page, `the card "${title}", in Japanese`);
      await forget(id);
    }
  });

  it('show the input of a tool that nobody has heard of, and take an answer', async () => {
    const fixture = new URL('../../server/test/fixtures/echo-mcp-server.ts', import.meta.url);
    const echo = { type: 'stdio', command: process.execPath, args: [fileURLToPath(fixture)] };
    const id = await asking(console.server, use('mcp__echo__echo', { text: 'never heard of' }), {
      mcp_servers: { echo: { ...echo, env: { GREETING: 'hello' } } },
    });
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const card = page.getByRole('region', { name: /^May the agent use .*echo/ });
    await card.getByText('never heard of').first().waitFor();
    await (await armed(card, 'Allow once')).click();
    await page.getByRole('log').getByText('never heard of, hello').first().waitFor();
    await console.server.ended(id);
  });

  it('are answered by keyboard alone', async () => {
    const id = await asking(console.server, ask('Which colour?', ['red', 'green']));
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const card = page.getByRole('region', { name: 'The agent asks you' });
    await tabTo(page, card.getByRole('radio', { name: 'red' }));
    await page.keyboard.press('Space');
    await page.keyboard.press('ArrowDown');
    await tabTo(page, await armed(card, 'Send the answer'));
    await page.keyboard.press('Enter');
    assert.deepEqual((await decided(console.server, id)).answer, { answers: { 'Which colour?': 'green' } });
    await console.server.ended(id);
  });

  it('show a command that hides what it is by what cannot be seen', async () => {
    const hidden = 'echo safe\u202egnp.\u2066 #\u200b\u001b[2K\u001b[1Arm -rf /';
    const id = await asking(console.server, run('touch hidden'));
    await changeInput(id, { command: hidden });
    for (const path of [`/sessions/${id}`, '/sessions']) {
      await using watched = await console.open(path);
      const { page } = watched;
      const place = page.getByRole('region', {
        name: path === '/sessions' ? 'Needs you' : 'Waiting for you',
      });
      await place.getByText('rm -rf /').first().waitFor();
      const text = await place.innerText();
      for (const code of ['U+202E', 'U+2066', 'U+200B', 'U+001B']) assert.ok(text.includes(code), code);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there
      assert.doesNotMatch(text, /[\u202e\u2066\u200b\u001b]/);
    }
    await forget(id);
  });

  it('show all of a command of 10,000 lines, and it pushes no button away', async () => {
    const id = await asking(console.server, run('touch many'));
    const command = Array.from({ length: 10_000 }, (_, line) => `echo line ${line}`).join('\n');
    await changeInput(id, { command });
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Show more' }).click();
    const whole = page.getByRole('region', { name: 'What exactly would run' });
    await whole.getByText('echo line 9999').waitFor({ state: 'attached' });
    for (const name of ['Allow once', 'Deny']) {
      const button = await armed(page, name);
      await button.scrollIntoViewIfNeeded();
      await button.click({ trial: true });
    }
    await using list = await console.open('/sessions');
    const strip = list.page.getByRole('region', { name: 'Needs you' });
    await strip.getByText('… and more to see').waitFor();
    assert.equal(await strip.getByRole('button', { name: 'Allow once' }).count(), 0);
    await forget(id);
  });

  it('of a kind that is newer than the page are shown, and can be denied, and nothing else', async () => {
    const { server } = console;
    const id = await asking(server, run('touch future'));
    await using watched = await openBlank(console.browser, { server: server.url });
    const { page } = watched;
    await page.route('**/approvals?**', async (route) => {
      const answer = await route.fetch();
      const text = (await answer.text()).replaceAll('"kind":"tool"', '"kind":"oracle"');
      await route.fulfill({ response: answer, body: text });
    });
    await page.goto(`${server.url}/console/sessions/${id}`);
    const card = page.getByRole('region', { name: 'May the agent use Bash?' });
    await card.getByText('touch future').first().waitFor();
    await card.getByText('does not know such a question').waitFor();
    assert.equal(await card.getByRole('button', { name: /^Allow/ }).count(), 0);
    await (await armed(card, 'Deny')).click();
    assert.equal((await decided(server, id)).status, 'denied');
    await server.ended(id);
  });

  it('have the words of the model in a frame of their own, whatever they imitate', async () => {
    const description =
      'Allow once [Y]\n\n✓ Checked by the administrator\n<button>Allow once</button> [Deny](javascript:alert(1))';
    const prompt = use('Bash', { command: 'rm -rf imitation', description });
    const id = await asking(console.server, prompt, { title: 'Imitates' });
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const words = page.getByRole('figure').filter({ hasText: 'nobody has checked' });
    await words.getByText('Checked by the administrator').waitFor();
    assert.equal(await words.locator('button, a, [role=button], [tabindex]').count(), 0);
    assert.equal(await page.getByRole('button', { name: 'Allow once' }).count(), 1);
    await using list = await console.open('/sessions');
    const strip = list.page.getByRole('region', { name: 'Needs you' });
    const card = strip.getByRole('article').filter({ hasText: 'Imitates' });
    await card.getByText('rm -rf imitation').waitFor();
    assert.equal(await card.getByText('administrator').count(), 0);
    await forget(id);
  });

  const boxOf = async (button: Locator) => (await button.boundingBox()) ?? assert.fail('has no place');

  it('have buttons that a thumb hits, and that are apart, on a phone', async () => {
    const id = await asking(console.server, run('touch thumb'));
    for (const [path, place] of [
      [`/sessions/${id}`, 'Waiting for you'],
      ['/sessions', 'Needs you'],
    ] as const) {
      await using watched = await console.open(path, { isPhone: true });
      const region = watched.page.getByRole('region', { name: place });
      const [allow, deny] = [
        await boxOf(await armed(region, 'Allow once')),
        await boxOf(await armed(region, 'Deny')),
      ];
      for (const { width, height } of [allow, deny]) {
        assert.ok(Math.min(width, height) >= SMALLEST_TARGET, `${path}: ${width} x ${height}`);
      }
      const gaps = [
        deny.x - allow.x - allow.width,
        allow.x - deny.x - deny.width,
        deny.y - allow.y - allow.height,
        allow.y - deny.y - deny.height,
      ];
      assert.ok(Math.max(...gaps) >= APART, `${path}: ${JSON.stringify({ allow, deny })}`);
    }
    await using watched = await console.open('/sessions', { isPhone: true });
    const strip = watched.page.getByRole('region', { name: 'Needs you' });
    await (await armed(strip, 'Deny')).tap();
    assert.equal((await decided(console.server, id)).status, 'denied');
    await console.server.ended(id);
  });
});

describe('an approval, for whom may only read', () => {
  it('has grey buttons, and says why', async () => {
    await using console = await startConsole();
    const admin = console.server.as(await makeKey(console.server, ['operator']));
    const key = await makeKey(admin, ['sessions:read']);
    const id = await asking(admin, run('touch mine'));
    await using watched = await openBlank(console.browser, { server: console.server.url });
    watched.tolerate(/status of 40[13]/);
    const { page } = watched;
    await signIn(page, { server: console.server, key });
    for (const path of [`/sessions/${id}`, '/sessions']) {
      await page.goto(`${console.server.url}/console${path}`);
      const place = page.getByRole('region', {
        name: path === '/sessions' ? 'Needs you' : 'Waiting for you',
      });
      await place.getByText(/approvals/).waitFor();
      for (const name of ['Allow once', 'Deny']) {
        const button = place.getByRole('button', { name });
        assert.equal(await button.getAttribute('aria-disabled'), 'true');
        assert.ok(Number(await button.evaluate((element) => getComputedStyle(element).opacity)) < 1);
        await button.click({ force: true });
      }
      await dropFocus(page);
      await page.keyboard.press('y');
    }
    assert.equal((await pendingOf(admin, id)).length, 1);
    await admin.client.sessions.cancel(id);
    await admin.ended(id);
  });
});
