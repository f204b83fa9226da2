import type { Browser } from 'playwright-core';
import {
  startTestServer,
  type TestServer,
  type TestServerOptions,
} from '../../../server/test/support/harness.ts';
import { requireFreshBuild } from './built-console.ts';
import { launchChromium } from './chromium.ts';
import { WatchedPage } from './watched-page.ts';

/** How its user has the browser. */
export type Look = {
  theme?: 'light' | 'dark';
  locale?: 'en-US' | 'ja-JP';
  isPhone?: boolean;
};

/** A server with the built console, and a browser to open it in. Tests of a file share them, and nothing else. */
export type Console = {
  server: TestServer;
  browser: Browser;
  /** A page of the console, such as `/sessions`, in a browser profile of its own. */
  open(path: string, look?: Look): Promise<WatchedPage>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startConsole(options: TestServerOptions = {}): Promise<Console> {
  await requireFreshBuild();
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startTestServer(options));
  const browser = stack.use(await launchChromium());
  const resources = stack.move();
  return {
    server,
    browser,
    open: async (path, look) => await openConsole(browser, { server: server.url, path, look }),
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

/** `path` is below `/console`. */
export async function openConsole(
  browser: Browser,
  { server, path, look }: { server: string; path: string; look?: Look | undefined },
): Promise<WatchedPage> {
  const watched = await openBlank(browser, { server, look });
  await watched.page.goto(`${server}/console${path}`);
  return watched;
}

/** A watched page on which nothing is shown yet. */
export async function openBlank(
  browser: Browser,
  { server, look = {} }: { server: string; look?: Look | undefined },
): Promise<WatchedPage> {
  const { theme = 'light', locale = 'en-US', isPhone = false } = look;
  const context = await browser.newContext({
    colorScheme: theme,
    locale,
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
    viewport: isPhone ? { width: 390, height: 844 } : { width: 1440, height: 900 },
    ...(isPhone && { isMobile: true, hasTouch: true, deviceScaleFactor: 2 }),
  });
  context.setDefaultTimeout(20_000);
  return await WatchedPage.open(context, new URL(server).origin);
}
