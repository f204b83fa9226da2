import assert from 'node:assert/strict';
import axe, { type RunOptions } from 'axe-core';
import type { Page } from 'playwright-core';

/** What depends on the colours: the rest of a page is the same in both themes. */
const COLOUR_RULES = ['color-contrast', 'link-in-text-block'];

/** Fails with what axe finds on the page as it is now, by rule and element. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  await assertRules(page, what, {});
}

/** The same in the light theme, and then its colours in the dark one, without drawing the page anew. */
export async function assertAccessibleInBothThemes(page: Page, what: string): Promise<void> {
  await assertAccessible(page, `${what}, light`);
  await changeTheme(page, 'dark');
  await assertRules(page, `${what}, dark`, { runOnly: { type: 'rule', values: COLOUR_RULES } });
  await changeTheme(page, 'light');
}

async function changeTheme(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme });
  await page.waitForFunction(
    (isDark) => document.documentElement.classList.contains('dark') === isDark,
    colorScheme === 'dark',
  );
}

async function assertRules(page: Page, what: string, options: RunOptions): Promise<void> {
  await page.evaluate(settleColours);
  // By the debugger, which the page's policy does not hold back.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    async (given) =>
      await (globalThis as unknown as WithAxe).axe.run({ ...given, resultTypes: ['violations'] }),
    options,
  );
  const found = violations.map(({ id, help, nodes }) => ({
    rule: `${id}: ${help}`,
    elements: nodes.map((node) => `${node.html.slice(0, 300)} ${node.failureSummary ?? ''}`),
  }));
  assert.deepEqual(found, [], `axe found something wrong with ${what}`);
}

/**
 * Runs in the page. Colours on their way from one theme to the other are of neither: they are brought to where they go,
 * and so is what inherits them and sets out a frame later.
 */
async function settleColours(): Promise<void> {
  for (let round = 0; round < 100; round++) {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const moving = document
      .getAnimations()
      .filter(
        ({ playState, effect }) => playState !== 'finished' && effect?.getTiming().iterations !== Infinity,
      );
    if (moving.length === 0) return;
    for (const animation of moving) animation.finish();
  }
  throw new Error('the page never comes to rest');
}

type WithAxe = { axe: typeof axe };
