import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Approval } from '../../client/src/index.ts';
import { answerText } from '../../server/test/support/harness.ts';
import { asking as startAsking, decided as waitDecided } from './support/asking.ts';
import { type Console, startConsole } from './support/console.ts';
import { askForSeveral, plan, run, write } from './support/demo-prompts.ts';
import { tabTo } from './support/keyboard.ts';

describe('an approval', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  const asking = async (prompt: string, options: object = {}): Promise<string> =>
    await startAsking(console.server, prompt, options);
  const decided = async (id: string): Promise<Approval> => await waitDecided(console.server, id);

  const contentOf = async (id: string, path: string): Promise<string> =>
    Buffer.from(await console.server.client.sessions.files.read(id, path)).toString();

  it('is given from the list, without opening its session', async () => {
    const id = await asking(run('echo hi > greeting.txt'), { title: 'Greets' });
    await using watched = await console.open('/sessions');
    const strip = watched.page.getByRole('region', { name: 'Needs you' });
    await strip.getByText('echo hi > greeting.txt').waitFor();
    await strip.getByRole('button', { name: 'Allow once' }).click();
    const { status } = await console.server.ended(id);
    assert.equal(status, 'completed');
    assert.equal(await contentOf(id, 'greeting.txt'), 'hi\n');
  });

  it('shows what exactly would run, and takes no other rules than those that are shown', async () => {
    const id = await asking(run('touch one two'));
    await using watched = await console.open(`/sessions/${id}`);
    const card = watched.page.getByRole('region', { name: 'May the agent use Bash?' });
    await card.getByText('touch one two').waitFor();
    await card.getByRole('button', { name: 'This session…' }).click();
    const rule = card.getByRole('textbox', { name: 'Rule 1' });
    assert.match(await rule.inputValue(), /^Bash\(touch /);
    await rule.fill('Bash(touch *)');
    await card.getByRole('button', { name: 'Allow for this session' }).click();
    assert.match(JSON.stringify((await decided(id)).answer), /Bash\(touch \*\)/);
    await console.server.ended(id);
    // What the rule covers is not asked for again.
    await console.server.execute({ prompt: run('touch three'), resume_session_id: id });
    assert.equal((await console.server.ended(id)).status, 'completed');
  });

  it('is denied with a reason that the agent reads, by keyboard alone', async () => {
    const id = await asking(run('rm -rf build'));
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const reason = page.getByRole('textbox', { name: /^Reason/ });
    await reason.waitFor();
    await page
      .getByRole('button', { name: 'Deny' })
      .and(page.locator(':not([aria-disabled=true])'))
      .waitFor();
    await tabTo(page, reason);
    await page.keyboard.type('Keep the build.');
    await page.keyboard.press('Enter');
    assert.equal((await decided(id)).status, 'denied');
    await console.server.ended(id);
    await page.getByRole('log').getByText('Keep the build.').first().waitFor();
  });

  it('is given with another input than the model wrote', async () => {
    const id = await asking(write('notes.txt', 'hello'));
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('button', { name: 'Edit first…' }).click();
    await page.getByRole('textbox', { name: 'Content of the file' }).fill('goodbye');
    await page.getByRole('button', { name: 'Allow as edited' }).click();
    await console.server.ended(id);
    assert.equal(await contentOf(id, 'notes.txt'), 'goodbye');
  });

  it('that asks a question takes several answers, and one in own words', async () => {
    const id = await asking(askForSeveral('Which colours?', ['red', 'green', 'blue']));
    await using watched = await console.open('/sessions');
    const { page } = watched;
    const strip = page.getByRole('region', { name: 'Needs you' });
    await strip.getByRole('button', { name: 'Look' }).click();
    await strip.getByRole('checkbox', { name: 'red' }).check();
    await strip.getByRole('checkbox', { name: 'blue' }).check();
    await strip.getByRole('textbox', { name: 'Your own answer' }).fill('a warm grey');
    await strip.getByRole('button', { name: 'Send the answer' }).click();
    const { answer } = await decided(id);
    assert.match(JSON.stringify(answer), /"Which colours\?":\["red","blue","a warm grey"\]/);
    assert.match(answerText(await console.server.ended(id)), /red, blue, a warm grey/);
  });

  it('of a plan is given with edits allowed: the mode is another one then', async () => {
    const id = await asking(plan('First the tests, then the code.'), { permission_mode: 'plan' });
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page
      .getByRole('region', { name: 'The plan' })
      .getByText('First the tests, then the code.')
      .waitFor();
    await page.getByRole('button', { name: 'Accept, edits allowed' }).click();
    assert.equal((await decided(id)).status, 'allowed');
    assert.equal((await console.server.ended(id)).status, 'completed');
    const session = await console.server.client.sessions.get(id);
    assert.equal(session.options.permission_mode, 'acceptEdits');
  });

  it('of a plan is sent back with comments', async () => {
    const id = await asking(plan('Only the code.'), { permission_mode: 'plan' });
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('textbox', { name: /^What should be different/ }).fill('And the tests?');
    await page.getByRole('button', { name: 'Send back' }).click();
    assert.match(JSON.stringify((await decided(id)).answer), /And the tests\?/);
    await console.server.ended(id);
  });

  it('that somebody else gives meanwhile says so, and is not given twice', async () => {
    const id = await asking(run('touch twice'));
    await using watched = await console.open(`/sessions/${id}`);
    const card = watched.page.getByRole('region', { name: 'May the agent use Bash?' });
    await card.waitFor();
    for await (const approval of console.server.client.approvals.list({
      session_id: id,
      status: 'pending',
    })) {
      await console.server.client.approvals.allow(approval.approval_id);
    }
    await card.waitFor({ state: 'hidden' });
    await watched.page.getByText(/allowed by/).waitFor();
    await console.server.ended(id);
  });
});
