import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { sessionDirectories } from '../../server/src/session/directories.ts';
import { type Console, startConsole } from './support/console.ts';
import { run, untilToldToGo } from './support/demo-prompts.ts';
import { repeatHistory } from './support/repeated-history.ts';
import { runTurns } from './support/seeded.ts';

const TURNS = 300;
/** As many as the server takes. */
const MESSAGES = 100;
const LABELS = 50;

describe('a session with much in it', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it(`of ${TURNS} turns opens at its end, and its outline lists and leads to all prompts`, async () => {
    const { server } = console;
    const id = await runTurns(server, ['my name is Ada', run('echo hi')], { allowed_tools: ['Bash'] });
    const { last_seq: events } = await server.client.sessions.get(id);
    await repeatHistory(server.context.database.db, { sessionId: id, events: (events * TURNS) / 2 });
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const transcript = page.getByRole('log');
    const last = transcript.locator('[data-index]').last();
    await last.waitFor();
    await page.waitForFunction(() => {
      const log = document.querySelector('[role=log]');
      return log !== null && log.scrollTop > 0 && log.scrollHeight - log.scrollTop - log.clientHeight < 50;
    });
    await page.getByRole('button', { name: 'Prompts' }).click();
    const outline = page.getByRole('dialog', { name: 'Prompts' });
    await outline.getByRole('button', { name: 'Load all' }).click();
    await outline.getByRole('button', { name: 'Load all' }).waitFor({ state: 'detached' });
    const prompts = outline.getByRole('listitem');
    await prompts.first().getByText('1', { exact: true }).waitFor();
    assert.deepEqual(
      await prompts.locator('span').allTextContents(),
      Array.from({ length: TURNS }, (_, index) => String(index + 1)),
    );
    await prompts.first().getByRole('button').click();
    await transcript.locator('[data-index="0"]').getByText('my name is Ada').waitFor();
  });

  it(`shows ${MESSAGES} messages that wait, and has them sorted and taken back`, async () => {
    const { server } = console;
    const id = await server.execute({ prompt: untilToldToGo, allowed_tools: ['Bash'] });
    await server.event(id, ({ kind, data }) => kind === 'sdk' && JSON.stringify(data).includes('"tool_use"'));
    for (let number = 1; number <= MESSAGES; number++) {
      await server.client.sessions.messages.send(id, {
        prompt: `count from 1 to ${number}`,
        delivery: 'queue',
      });
    }
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    const queue = page.getByRole('region', { name: 'Queue' });
    const rows = queue.getByRole('listitem');
    await queue.getByText(`${MESSAGES} messages wait`).waitFor();
    assert.equal(await rows.count(), MESSAGES);
    const { height } = (await queue.boundingBox()) ?? assert.fail('it has no place');
    assert.ok(height < 400, 'it leaves room for the transcript');
    await rows.last().getByRole('button', { name: /^Move/ }).focus();
    await page.keyboard.press('ArrowUp');
    await rows
      .last()
      .getByText(`count from 1 to ${MESSAGES - 1}`, { exact: true })
      .waitFor();
    await rows.first().getByRole('button', { name: 'Take back' }).click();
    await queue.getByText(`${MESSAGES - 1} messages wait`).waitFor();
    const waiting = await server.client.sessions.messages.list(id);
    assert.deepEqual(
      waiting.map(({ prompt }) => Number(prompt.split(' ').at(-1))),
      [...Array.from({ length: MESSAGES - 3 }, (_, index) => index + 2), MESSAGES, MESSAGES - 1],
    );
    await server.client.sessions.cancel(id);
    await writeFile(join(sessionDirectories(server.config.dataDir, id).workspace, 'go'), '');
    await server.ended(id);
  });

  it(`of ${LABELS} labels shows some of them in the list, and all beside it`, async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: LABELS }, (_, index) => [
        `label-${index}`,
        `value-${index} ${'long '.repeat(20)}`,
      ]),
    );
    const id = await runTurns(console.server, ['hello'], { title: 'Labelled', metadata });
    await using watched = await console.open('/sessions');
    const { page } = watched;
    const row = page.getByRole('row').filter({ hasText: 'Labelled' });
    await row.waitFor();
    const { height } = (await row.boundingBox()) ?? assert.fail('it has no place');
    assert.ok(height < 120, `a row of ${height} px`);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'no wider');
    await page.goto(`${console.server.url}/console/sessions/${id}?panel=overview`);
    const panel = page.getByRole('tabpanel');
    for (const name of Object.keys(metadata)) await panel.getByText(name, { exact: true }).waitFor();
    const { scrollWidth, clientWidth } = await panel.evaluate(({ scrollWidth, clientWidth }) => ({
      scrollWidth,
      clientWidth,
    }));
    assert.ok(scrollWidth <= clientWidth, 'the panel is no wider');
  });
});
