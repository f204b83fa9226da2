import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { type Console, startConsole } from './support/console.ts';
import { run } from './support/demo-prompts.ts';
import { rowOf, tabOf, titlesOf } from './support/session-rows.ts';

describe('what needs somebody', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());
  const asking = async (title: string): Promise<string> => {
    const id = await console.server.execute({ prompt: run('echo hi > greeting'), approvals: 'ask', title });
    await console.server.event(id, (event) => event.kind === 'approval' && event.data.phase === 'requested');
    return id;
  };

  it('is answered in place: the next one does not slip under the pointer, and all is right after it', async () => {
    const first = await asking('Greets first');
    const other = await asking('Greets second');
    await using watched = await console.open('/sessions');
    const { page } = watched;
    const strip = page.getByRole('region', { name: 'Needs you' });
    await strip.getByText('2 agents wait for an answer').waitFor();
    const places = strip.getByRole('listitem');
    const second = places.filter({ hasText: 'Greets second' });
    const before = await second.boundingBox();
    await places.filter({ hasText: 'Greets first' }).getByRole('button', { name: 'Allow once' }).click();
    await strip.getByText('1 agent waits for an answer').waitFor();
    await places
      .first()
      .getByText('Allowed', { exact: true })
      .or(places.first().getByText(/allowed by/))
      .first()
      .waitFor();
    assert.deepEqual(await second.boundingBox(), before);
    assert.equal((await console.server.ended(first)).status, 'completed');
    await rowOf(page, 'Greets first').getByText('Done, not read').waitFor();
    await tabOf(page, 'Needs you').getByText('1', { exact: true }).waitFor();
    await page.getByRole('heading', { name: 'Sessions', exact: true }).hover();
    await places.filter({ hasText: 'allowed' }).waitFor({ state: 'detached' });
    assert.equal(await places.count(), 1);
    await console.server.client.sessions.cancel(other);
    await console.server.ended(other);
  });

  it('is shown in part when it is much, with all of it at hand', async () => {
    const id = await asking('Much');
    const copies = Array.from({ length: 49 }, (_, at) => ({
      id: randomUUIDv7(),
      tool_use_id: `toolu_copy_${at}`,
    }));
    await sql`
      insert into approvals
      select (jsonb_populate_record(original, copy)).*
      from approvals as original, jsonb_array_elements(${JSON.stringify(copies)}::jsonb) as copy
      where original.session_id = ${id}`.execute(console.server.context.database.db);
    await using watched = await console.open('/sessions');
    const { page } = watched;
    const strip = page.getByRole('region', { name: 'Needs you' });
    await strip.getByText('50 agents wait for an answer').waitFor();
    await rowOf(page, 'Much').getByText('Waits for 50 answers of yours').waitFor();
    assert.equal(await strip.getByRole('listitem').count(), 4);
    await strip.getByRole('button', { name: 'Show 46 more' }).click();
    assert.equal(await strip.getByRole('listitem').count(), 50);
    await strip.getByRole('button', { name: 'Show fewer' }).click();
    await console.server.client.sessions.cancel(id);
    await console.server.ended(id);
    await strip.waitFor({ state: 'detached' });
    assert.ok((await titlesOf(page)).includes('Much'));
  });
});
