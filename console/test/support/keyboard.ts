import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';

/** More stops than any page of the tests has. */
const MAX_STOPS = 300;

/** Goes on from where the focus is until `target` has it, as somebody without a mouse does. */
export async function tabTo(page: Page, target: Locator): Promise<void> {
  for (let stop = 0; stop < MAX_STOPS; stop++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`not to be reached by the Tab key: ${target}`);
}

/** Walks over the whole page with the Tab key; fails with what can be clicked and was not come by. */
export async function assertReachableByKeyboard(page: Page, what: string): Promise<void> {
  let stops = 0;
  do {
    await page.keyboard.press('Tab');
  } while (!(await page.evaluate(isKnownStop)) && ++stops < MAX_STOPS);
  let { unreached, unseen } = await page.evaluate(findLeftOut);
  if (unreached.length > 0) {
    // Scrolled by the walk, a page may show a button that was not there when it began.
    for (let stop = 0; stop <= stops; stop++) {
      await page.keyboard.press('Tab');
      await page.evaluate(isKnownStop);
    }
    ({ unreached, unseen } = await page.evaluate(findLeftOut));
  }
  assert.deepEqual(unreached, [], `what only a mouse reaches on ${what}`);
  assert.deepEqual(unseen, [], `what has the focus without showing it on ${what}`);
}

/** Runs in the page: notes what has the focus, and whether that shows. Between the last stop and the first nothing has it. */
function isKnownStop(): boolean {
  const element = document.activeElement;
  if (!(element instanceof HTMLElement) || element === document.body) return false;
  if ('reached' in element.dataset) return true;
  const shows = [element, element.closest('label'), element.parentElement].some(
    (shown) =>
      shown !== null &&
      [null, '::after'].some((part) => {
        const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(shown, part);
        return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
      }),
  );
  element.dataset.reached = shows ? 'seen' : 'unseen';
  return false;
}

/** Runs in the page, after the walk. */
function findLeftOut(): { unreached: string[]; unseen: string[] } {
  const native = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const roles = '[role=button], [role=link], [role=checkbox], [role=switch], [role=tab], [role=menuitem]';
  /** One of these is a stop, and the arrow keys lead to the others. */
  const groups =
    '[role=tablist], [role=radiogroup], [role=menu], [role=toolbar], [role=listbox], [role=tree]';
  const describe = (element: Element): string =>
    `${element.getAttribute('aria-label') ?? element.textContent} ${element.outerHTML.slice(0, 200)}`;
  const isHidden = (element: Element): boolean =>
    !element.checkVisibility({ visibilityProperty: true }) ||
    element.getBoundingClientRect().width <= 1 ||
    element.closest('[inert], [aria-hidden=true]') !== null ||
    element.matches(':disabled');
  const isLedTo = (element: Element): boolean => {
    const group = element.closest(groups) ?? element.closest('fieldset');
    return element.matches('[role=tab], [role=radio], [role=menuitem], [type=radio], [tabindex="-1"]') &&
      group !== null
      ? group.querySelector('[data-reached]') !== null
      : false;
  };
  const handlesClicks = (element: Element): boolean => {
    const key = Object.keys(element).find((name) => name.startsWith('__reactProps$'));
    const props =
      key === undefined ? undefined : (element as unknown as Record<string, { onClick?: unknown }>)[key];
    return props?.onClick !== undefined && !element.matches('label, form, fieldset');
  };
  const clickable = [...document.querySelectorAll('body *')].filter(
    (element) => element.matches(`${native}, ${roles}`) || handlesClicks(element),
  );
  const unreached = clickable.filter(
    (element) =>
      !isHidden(element) &&
      !('reached' in (element as HTMLElement).dataset) &&
      element.querySelector('[data-reached]') === null &&
      element.closest('[data-reached]') === null &&
      !isLedTo(element),
  );
  const unseen = [...document.querySelectorAll('[data-reached=unseen]')];
  return { unreached: unreached.map(describe), unseen: unseen.map(describe) };
}
