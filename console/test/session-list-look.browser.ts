import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible } from './support/axe.ts';
import { type Console, type Look, startConsole } from './support/console.ts';
import { countSlowly, run } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';
import { boxOf, rowOf } from './support/session-rows.ts';

const SMALLEST_TARGET = 44;
const LONG = 'a-very-long-word-without-any-place-to-break-it'.repeat(4);

const looks: Record<string, Look> = {
  light: { theme: 'light' },
  dark: { theme: 'dark' },
  'in Japanese': { theme: 'light', locale: 'ja-JP' },
  'on a phone': { theme: 'dark', isPhone: true },
  'on a phone in Japanese': { theme: 'light', isPhone: true, locale: 'ja-JP' },
};

describe('the list of sessions with all that it can show', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
    const { server } = console;
    await runTurns(server, ['hello'], {
      title: LONG,
      metadata: { [LONG.slice(0, 60)]: LONG.slice(0, 60), b: '1', c: '2' },
    });
    await runTurns(server, ['[demo:error 400] hello'], { title: 'Failed' });
    const busy = await server.execute({ prompt: countSlowly(2_000, 5), title: 'Busy' });
    await server.event(busy, ({ kind }) => kind === 'sdk');
    const asks = await server.execute({
      prompt: run(`echo ${LONG} > greeting`),
      approvals: 'ask',
      title: 'Asks',
    });
    await server.event(asks, (event) => event.kind === 'approval');
  });
  after(async () => await console[Symbol.asyncDispose]());

  /** All at once: the strip, rows of each kind, a selection with what can be done with it. */
  const openSelected = async (look: Look) => {
    const watched = await console.open('/sessions', look);
    const { page } = watched;
    if (look.isPhone) await page.setViewportSize({ width: 360, height: 740 });
    for (const title of [LONG, 'Failed', 'Busy']) await boxOf(page, title).click();
    await page.getByRole('toolbar').waitFor();
    await page.evaluate(async () => await document.fonts.ready);
    return watched;
  };

  for (const [name, look] of Object.entries(looks)) {
    it(`is right with a selection and with a dialog, ${name}`, async () => {
      await using watched = await openSelected(look);
      const { page } = watched;
      await assertFits(page, look.isPhone === true);
      await assertAccessible(page, `a selection, ${name}`);
      await page
        .getByRole('toolbar')
        .getByRole('button', { name: /Delete|削除/ })
        .click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('listitem').first().waitFor();
      await assertFits(page, look.isPhone === true);
      await assertAccessible(page, `the question before many are deleted, ${name}`);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
      // The focus is where it was, and not lost.
      assert.equal(
        await page.evaluate(() => document.activeElement?.closest('[role=toolbar]') !== null),
        true,
      );
    });
  }

  it('stands still for who wants no motion', async () => {
    await using watched = await console.open('/sessions');
    await rowOf(watched.page, 'Busy').getByText('Working').waitFor();
    const moving = await watched.page.evaluate(() =>
      document
        .getAnimations()
        .filter(({ playState, effect }) => {
          const { duration, iterations } = effect?.getTiming() ?? {};
          return (
            playState === 'running' && (Number(duration) > 50 || iterations === Number.POSITIVE_INFINITY)
          );
        })
        .map(({ effect }) => (effect as KeyframeEffect | null)?.target?.outerHTML.slice(0, 200)),
    );
    assert.deepEqual(moving, []);
  });
});

async function assertFits(page: Page, isPhone: boolean): Promise<void> {
  const { tooWide, clipped, small } = await page.evaluate(findMisfits, isPhone ? SMALLEST_TARGET : 0);
  assert.ok(tooWide <= 0, `the page is ${tooWide} px wider than the window`);
  assert.deepEqual(clipped, [], 'words that do not fit');
  assert.deepEqual(small, [], 'targets that a thumb misses');
}

/** Runs in the page. What is cut off on purpose, with an ellipsis, may be so. */
function findMisfits(smallest: number): { tooWide: number; clipped: string[]; small: string[] } {
  const isShown = (element: Element): boolean =>
    element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    element.getBoundingClientRect().width > 1 &&
    element.closest('[inert], [aria-hidden=true], .sr-only') === null;
  const words = [
    ...document.querySelectorAll('button, nav a, th, [role=toolbar] span, td > span, main h1, label'),
  ];
  const clipped = words.filter((element) => {
    if (!isShown(element) || getComputedStyle(element).textOverflow === 'ellipsis') return false;
    if (element.querySelector('.truncate') !== null || element.closest('.truncate') !== null) return false;
    return element.scrollWidth > element.clientWidth + 1 && getComputedStyle(element).display !== 'inline';
  });
  /** A label around a small box is the target of it; a link over its whole row is as high as that. */
  const targetOf = (element: Element): Element =>
    element.closest('label') ??
    (element.matches('[data-title]') ? (element.closest('tr') ?? element) : element);
  const targets = [
    ...document.querySelectorAll('main a, main button, main [role=checkbox], [role=dialog] button'),
  ];
  // The title over an approval leads to its session, as its row does: that is the target.
  const isDoubled = (element: Element): boolean =>
    element.closest('article') !== null && element.matches('a');
  const small = targets
    .filter((element) => isShown(element) && !isDoubled(element))
    .filter((element) => {
      const { width, height } = targetOf(element).getBoundingClientRect();
      return Math.round(height) < smallest || Math.round(width) < smallest;
    });
  const describe = (element: Element): string =>
    `${element.outerHTML.slice(0, 200)} ${JSON.stringify(targetOf(element).getBoundingClientRect())}`;
  return {
    tooWide: document.documentElement.scrollWidth - window.innerWidth,
    clipped: clipped.map(describe),
    small: small.map(describe),
  };
}
