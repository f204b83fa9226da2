import assert from 'node:assert/strict';
import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** Fails with what axe finds on the page as it is now, by rule and element. */
export async function assertAccessible(page: Page, what: string): Promise<void> {
  // Colours on their way from one theme to the other are of neither.
  await page.evaluate(async () => {
    const moving = document
      .getAnimations()
      .filter(({ effect }) => effect?.getTiming().iterations !== Infinity);
    await Promise.allSettled(moving.map(async ({ finished }) => await finished));
  });
  // By the debugger, which the page's policy does not hold back.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(
    async () => await (globalThis as unknown as WithAxe).axe.run({ resultTypes: ['violations'] }),
  );
  const found = violations.map(({ id, help, nodes }) => ({
    rule: `${id}: ${help}`,
    elements: nodes.map((node) => `${node.html.slice(0, 300)} ${node.failureSummary ?? ''}`),
  }));
  assert.deepEqual(found, [], `axe found something wrong with ${what}`);
}

type WithAxe = { axe: typeof axe };
