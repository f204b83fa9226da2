import assert from 'node:assert/strict';
import { afterEach } from 'node:test';
import type { BrowserContext, ConsoleMessage, Page, Request } from 'playwright-core';

/*
 * A page on which nothing may go wrong unseen: errors and warnings on the console, exceptions, violations of the page's
 * policy, requests to another host, requests that fail, and dialogs that nobody asked for fail the test.
 */

const unseen: string[] = [];

/** Fails with what went wrong on pages that are closed. Each test ends with it: its own error comes first. */
export function checkUnseen(): void {
  assert.deepEqual(unseen.splice(0), [], 'something went wrong on a page');
}

if (process.env.NODE_TEST_CONTEXT !== undefined) afterEach(checkUnseen);

export class WatchedPage {
  readonly page: Page;
  readonly #context: BrowserContext;
  readonly #problems: string[] = [];
  readonly #tolerated: RegExp[] = [];

  private constructor(context: BrowserContext, page: Page) {
    this.#context = context;
    this.page = page;
  }

  /** Takes the context over: it is closed with the page. `origin` is the only place that requests may go to. */
  static async open(context: BrowserContext, origin: string): Promise<WatchedPage> {
    await context.addInitScript(reportViolations);
    const watched = new WatchedPage(context, await context.newPage());
    watched.#watch(origin);
    return watched;
  }

  /** What this test brings about by itself, such as an answer of 401 or a server that is gone. */
  tolerate(...problems: RegExp[]): void {
    this.#tolerated.push(...problems);
  }

  /** Fails with everything that went wrong so far. */
  check(): void {
    const left = this.#problems.filter(
      (problem) => !this.#tolerated.some((pattern) => pattern.test(problem)),
    );
    assert.deepEqual(left, [], 'something went wrong on the page');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    this.check();
  }

  #watch(origin: string): void {
    const context = this.#context;
    context.on('console', (message) => this.#noteMessage(message));
    context.on('weberror', (error) => this.#note(`exception: ${error.error().stack ?? error.error()}`));
    context.on('request', (request) => this.#noteForeign(request.url(), origin));
    context.on('requestfailed', (request) => this.#noteFailed(request));
    context.on('page', (page) => this.#watchPage(page, origin));
    this.#watchPage(this.page, origin);
  }

  #watchPage(page: Page, origin: string): void {
    page.on('crash', () => this.#note('the page crashed'));
    page.on('websocket', (socket) => this.#noteForeign(socket.url(), origin));
    page.on('dialog', (dialog) => {
      if (dialog.type() !== 'beforeunload') this.#note(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  #noteMessage(message: ConsoleMessage): void {
    if (!['error', 'warning'].includes(message.type())) return;
    const { url, lineNumber } = message.location();
    // Browsers ask for it by themselves where an answer is no page of the console.
    if (url.endsWith('/favicon.ico')) return;
    this.#note(`console.${message.type()}: ${message.text()} (${url}:${lineNumber})`);
  }

  #noteForeign(url: string, origin: string): void {
    const { protocol, origin: asked } = new URL(url);
    if (['data:', 'blob:', 'about:'].includes(protocol) || asked === origin) return;
    this.#note(`request off this host: ${url}`);
  }

  #noteFailed(request: Request): void {
    const reason = request.failure()?.errorText ?? 'unknown';
    // A page that closes, and a stream that connects again with other sessions, break off what runs.
    if (reason === 'net::ERR_ABORTED') return;
    this.#note(`request failed: ${request.method()} ${request.url()}: ${reason}`);
  }

  #note(problem: string): void {
    this.#problems.push(problem);
  }
}

/** Runs in each page before anything of it. Chromium reports most violations itself; not those of frames and of Workers. */
function reportViolations(): void {
  addEventListener('securitypolicyviolation', (event) => {
    // biome-ignore lint/suspicious/noConsole: where the test listens
    console.error(
      `policy violation: ${event.effectiveDirective} blocked ${event.blockedURI} ${event.sample}`,
    );
  });
}
