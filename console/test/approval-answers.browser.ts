import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { answerText } from '../../server/test/support/harness.ts';
import { armed, asking, decided, dropFocus, pendingOf } from './support/asking.ts';
import { type Console, startConsole } from './support/console.ts';
import { ask, plan, run, use } from './support/demo-prompts.ts';

const weather = {
  name: 'weather',
  description: 'The weather in a city.',
  read_only: true,
  input_schema: { type: 'object', properties: { city: { type: 'string' } } },
};

describe('what a person answers', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('is put right where the server refuses a rule, which is said at its field', async () => {
    const { server } = console;
    const id = await asking(server, run('touch refused'));
    await using watched = await console.open(`/sessions/${id}`);
    watched.tolerate(/status of 422/);
    const { page } = watched;
    await page.getByRole('button', { name: 'This session…' }).click();
    await page.getByRole('button', { name: 'Add a rule' }).click();
    const [first, second] = [1, 2].map((number) => page.getByRole('textbox', { name: `Rule ${number}` }));
    assert.ok(first && second);
    await second.fill('Bash()');
    await (await armed(page, 'Allow for this session')).click();
    await page.locator('input[aria-invalid=true]').waitFor();
    assert.equal(await second.getAttribute('aria-invalid'), 'true');
    assert.equal(await first.getAttribute('aria-invalid'), 'false');
    const note = await second.evaluate((field) => {
      const id = field.getAttribute('aria-describedby') ?? '';
      return document.getElementById(id)?.querySelector('.text-danger')?.textContent ?? '';
    });
    assert.notEqual(note, '');
    assert.equal((await pendingOf(server, id)).length, 1);
    await second.fill('Bash(touch *)');
    assert.equal(await second.getAttribute('aria-invalid'), 'false');
    await (await armed(page, 'Allow for this session')).click();
    assert.equal((await decided(server, id)).status, 'allowed');
    await server.ended(id);
  });

  it('is what was pressed in the list: no, and one of few answers', async () => {
    const { server } = console;
    const denied = await asking(server, run('touch pressed'), { title: 'One that is denied' });
    await using watched = await console.open('/sessions');
    const strip = watched.page.getByRole('region', { name: 'Needs you' });
    await (await armed(strip, 'Deny')).click();
    assert.equal((await decided(server, denied)).status, 'denied');
    await server.ended(denied);
    const question = await asking(server, ask('Which colour?', ['red', 'green']));
    await (await armed(strip, 'green')).click();
    assert.deepEqual((await decided(server, question)).answer, { answers: { 'Which colour?': 'green' } });
    await server.ended(question);
  });

  it('is an option of a question, or own words in place of it', async () => {
    const { server } = console;
    const id = await asking(server, ask('Which colour?', ['red', 'green']));
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('radio', { name: 'red' }).check();
    await page.getByRole('textbox', { name: 'Your own answer' }).fill('a warm grey');
    assert.equal(await page.getByRole('radio', { name: 'red' }).isChecked(), false);
    await (await armed(page, 'Send the answer')).click();
    assert.deepEqual((await decided(server, id)).answer, { answers: { 'Which colour?': 'a warm grey' } });
    assert.match(answerText(await server.ended(id)), /a warm grey/);
  });

  it('accepts a plan: what it does then is asked for as usual', async () => {
    const { server } = console;
    const id = await asking(server, plan('First this.'), { permission_mode: 'plan' });
    await using watched = await console.open(`/sessions/${id}`);
    await (await armed(watched.page, 'Accept')).click();
    assert.equal((await decided(server, id)).status, 'allowed');
    await server.ended(id);
    assert.equal((await server.client.sessions.get(id)).options.permission_mode, 'default');
  });

  for (const isError of [false, true]) {
    it(`is the result of a tool that nobody runs${isError ? ', as an error, too' : ''}`, async () => {
      const { server } = console;
      const prompt = use('mcp__client__weather', { city: 'Rome' });
      const id = await asking(server, prompt, { client_tools: [weather] });
      await using watched = await console.open(`/sessions/${id}`);
      const { page } = watched;
      await page.getByRole('textbox', { name: 'Result' }).fill('21 °C, sunny');
      if (isError) await page.getByRole('checkbox', { name: 'The tool failed' }).check();
      await (await armed(page, 'Give this result')).click();
      assert.deepEqual((await decided(server, id)).answer, {
        result: { content: '21 °C, sunny', is_error: isError },
      });
      await server.ended(id);
    });
  }

  it('denies and ends the turn', async () => {
    const { server } = console;
    const id = await asking(server, run('touch never'));
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('textbox', { name: /^Reason/ }).fill('Enough.');
    await page.getByRole('checkbox', { name: 'and end the turn' }).check();
    await page.getByRole('textbox', { name: /^Reason/ }).press('Enter');
    const { answer } = await decided(server, id);
    assert.deepEqual([answer?.message, answer?.interrupt], ['Enough.', true]);
    await server.ended(id);
    const session = await server.client.sessions.get(id);
    assert.equal(session.turns.at(-1)?.error?.code, 'interrupted');
    // One's own words are not handed back as if somebody else had been first.
    await page.getByRole('textbox', { name: /^Reason/ }).waitFor({ state: 'detached' });
    assert.equal(await page.getByText('You were writing this').count(), 0);
  });

  it('is `y` or `n` where nothing has the focus, and a letter where one writes', async () => {
    const { server } = console;
    const id = await asking(server, run('touch by-key'));
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await armed(page, 'Allow once');
    const fields = [
      page.getByRole('textbox', { name: 'Message to the agent' }),
      page.getByRole('textbox', { name: /^Reason/ }),
    ];
    for (const field of fields) {
      await field.focus();
      await page.keyboard.type('yn');
      assert.equal(await field.inputValue(), 'yn');
    }
    await armed(page, 'Allow once');
    await page.getByRole('checkbox', { name: 'and end the turn' }).focus();
    await page.keyboard.press('y');
    await dropFocus(page);
    for (const chord of ['Control+y', 'Alt+n', 'Shift+Y']) await page.keyboard.press(chord);
    assert.equal((await pendingOf(server, id)).length, 1);
    await page.keyboard.press('n');
    const { status, answer } = await decided(server, id);
    assert.deepEqual([status, answer?.message], ['denied', 'yn']);
    await server.ended(id);
    const next = await asking(server, run('touch by-key'), { resume_session_id: id });
    await armed(page, 'Allow once');
    await dropFocus(page);
    await page.keyboard.press('y');
    assert.equal((await server.ended(next)).status, 'completed');
  });
});
