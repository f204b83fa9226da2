import type { Page } from 'playwright-core';

export type Shot = {
  /** Of the file, before `-light.png` and `-dark.png`. */
  name: string;
  path(ids: ReadonlyMap<string, string>): string;
  /** Resolves when the page shows what the picture is for. */
  ready(page: Page): Promise<void>;
  isPhone?: boolean;
};

const FIX = 'Fix the flaky checkout test';

const session =
  (title: string, search = '') =>
  (ids: ReadonlyMap<string, string>): string =>
    `/sessions/${ids.get(title)}${search}`;

const shows =
  (text: string | RegExp) =>
  async (page: Page): Promise<void> =>
    await page.getByText(text).first().waitFor();

/** What needs somebody comes a moment later than the rows. */
const showsStrip = async (page: Page): Promise<void> => {
  await page.getByRole('region', { name: 'Needs you' }).getByRole('button').first().waitFor();
  await shows(FIX)(page);
};

export const shots: readonly Shot[] = [
  { name: 'sessions', path: () => '/sessions', ready: showsStrip },
  { name: 'session', path: session(FIX), ready: shows('All tests pass.') },
  { name: 'plan', path: session('Move sessions to PostgreSQL'), ready: shows('Write to both for a week') },
  {
    name: 'question',
    path: session('Cache for the price service'),
    ready: shows('Where should the cache live?'),
  },
  { name: 'subagents', path: session('Review the discount code'), ready: shows('Three findings') },
  { name: 'changes', path: session(FIX, '?panel=changes'), ready: shows('checkout.js') },
  { name: 'files', path: session(FIX, '?panel=files'), ready: shows('README.md') },
  { name: 'events', path: session(FIX, '?panel=events'), ready: shows('prompt') },
  { name: 'options', path: session(FIX, '?panel=options'), ready: shows('cwd') },
  { name: 'new-session', path: () => '/new', ready: shows('New session') },
  { name: 'settings', path: () => '/settings', ready: shows('Settings') },
  { name: 'sign-in', path: () => '/sign-in', ready: shows('Sign in') },
  { name: 'phone-sessions', path: () => '/sessions', ready: showsStrip, isPhone: true },
  { name: 'phone-session', path: session(FIX), ready: shows('git switch'), isPhone: true },
];
