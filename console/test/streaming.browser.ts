import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { sessionDirectories } from '../../server/src/session/directories.ts';
import type { DeltaSignal } from '../../server/src/session/event/delta.ts';
import { until } from '../../server/test/support/server-process.ts';
import { type Console, openBlank, startConsole } from './support/console.ts';
import { countSlowly, inOrder, run, untilToldToGo, write } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';

const DELTAS = 1_600;

/** How often each row was rendered, by its key, since the last time that this was asked. */
async function takeCounts(page: Page): Promise<Record<string, number>> {
  return await page.evaluate(() => {
    const { counts } = globalThis as unknown as { counts: Record<string, number> };
    const taken = { ...counts };
    for (const key of Object.keys(counts)) delete counts[key];
    return taken;
  });
}

/** A row of the transcript reports each of its renderings to this name, where it is there. */
function countRows(): void {
  const counts: Record<string, number> = {};
  Object.assign(globalThis, {
    counts,
    onTranscriptRow: (key: string) => {
      counts[key] = (counts[key] ?? 0) + 1;
    },
  });
}

describe('a session that streams', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('is seen as it is written, and stays when it is', async () => {
    const id = await console.server.execute({ prompt: countSlowly(200) });
    await using watched = await console.open(`/sessions/${id}`);
    const transcript = watched.page.getByRole('log');
    await transcript.getByText(/\b8\s+9\s+10\b/).waitFor();
    const { status } = await console.server.client.sessions.get(id);
    assert.equal(status, 'running');
    await console.server.ended(id);
    await transcript.getByText(/\b198\s+199\s+200\b/).waitFor();
    await transcript
      .getByText(/\(estimate\)/)
      .first()
      .waitFor();
  });

  it(`renders only its last row again for ${DELTAS} deltas`, async () => {
    const id = await runTurns(
      console.server,
      [inOrder(run('echo one'), write('a.txt', 'two')), 'hello', 'count from 1 to 20'],
      { allowed_tools: ['Bash', 'Write'] },
    );
    await console.server.execute({ prompt: untilToldToGo, resume_session_id: id });
    const called = await console.server.event(
      id,
      ({ kind, data }) => kind === 'sdk' && JSON.stringify(data).includes('[ -e go ]'),
    );
    await using watched = await openBlank(console.browser, { server: console.server.url });
    const { page } = watched;
    await page.addInitScript(countRows);
    await page.goto(`${console.server.url}/console/sessions/${id}`);
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('log').getByText('until [ -e go ]').first().waitFor();
    // What streams is not kept: it would be nobody's before that.
    await until('the page follows', async () => console.server.context.streams.counts.live === 1);

    const pieces = Array.from({ length: DELTAS }, (_, index) => `piece ${index} `);
    const publish = (from: number, to: number): void =>
      console.server.context.bus.publish(
        deltas(pieces, { sessionId: id, turnId: called.turn_id }).slice(from, to),
      );
    publish(0, 1);
    await page.getByText('piece 0').waitFor();
    await takeCounts(page);
    // One batch after the other, so that the page has to render in between.
    for (let from = 1; from < DELTAS; from += 50) {
      publish(from, from + 50);
      await page.getByText(`piece ${Math.min(from + 49, DELTAS - 1)} `).waitFor();
    }
    const counts = await takeCounts(page);
    // Once by itself another one may be: what the server says of its turn comes a moment later.
    const again = Object.values(counts).filter((count) => count > 1);
    assert.equal(again.length, 1, JSON.stringify(counts));
    await writeFile(join(sessionDirectories(console.server.config.dataDir, id).workspace, 'go'), '');
    await console.server.ended(id);
  });
});

/** As a worker publishes what its agent writes. */
function deltas(pieces: readonly string[], of: { sessionId: string; turnId: string | null }): DeltaSignal[] {
  let offset = 0;
  return pieces.map((text): DeltaSignal => {
    const at = offset;
    offset += text.length;
    return {
      type: 'delta',
      ...of,
      messageId: 'msg_streamed',
      parentToolUseId: null,
      index: 0,
      block: 'text',
      offset: at,
      text,
      tool: null,
    };
  });
}
