import type { Locator, Page } from 'playwright-core';

/** The row of the session that is called so. */
export function rowOf(page: Page, title: string): Locator {
  return page
    .locator('tr[data-session-id]')
    .filter({ has: page.getByRole('link', { name: title, exact: true }) });
}

/** The titles from top to bottom, as they are seen. */
export async function titlesOf(page: Page): Promise<string[]> {
  const rows = page.locator('tr[data-session-id]');
  const placed = await rows.evaluateAll((elements) =>
    elements.map((element) => ({
      title: element.querySelector('[data-title]')?.textContent ?? '',
      top: element.getBoundingClientRect().top,
    })),
  );
  return placed.sort((a, b) => a.top - b.top).map(({ title }) => title);
}

export async function chooseInMenu(page: Page, title: string, item: string): Promise<void> {
  await rowOf(page, title)
    .getByRole('button', { name: /^What can be done/ })
    .click();
  await page.getByRole('menuitem', { name: item, exact: true }).click();
}

/** The box before a row is small, and its whole cell is its label. */
export function boxOf(page: Page, title: string): Locator {
  return rowOf(page, title).getByRole('checkbox');
}

/** Where a row stands on the screen. */
export async function topOf(row: Locator): Promise<number> {
  return await row.evaluate((element) => Math.round(element.getBoundingClientRect().top));
}

/** The figure at a filter, such as `Archived`. */
export function tabOf(page: Page, name: string): Locator {
  return page
    .getByRole('navigation', { name: 'Filters' })
    .getByRole('link', { name: new RegExp(`^${name}`) });
}
