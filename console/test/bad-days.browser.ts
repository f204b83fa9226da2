import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Console, openBlank, startConsole } from './support/console.ts';
import { run } from './support/demo-prompts.ts';
import { makeKey, signIn } from './support/sign-in.ts';
import type { WatchedPage } from './support/watched-page.ts';

const fields = {
  html: { status: 200, contentType: 'text/html', body: '<!doctype html><h1>Sign in to the hotel</h1>' },
  busy: {
    status: 503,
    contentType: 'application/problem+json',
    headers: { 'retry-after': '90' },
    body: JSON.stringify({ status: 503, code: 'database_unavailable', detail: 'The database is away.' }),
  },
};

describe('a bad day', () => {
  let console: Console;
  let sessionId: string;
  before(async () => {
    console = await startConsole();
    sessionId = await console.server.execute({ prompt: 'hello', title: 'A session' });
    await console.server.ended(sessionId);
  });
  after(async () => await console[Symbol.asyncDispose]());

  const live = async (page: Page): Promise<void> =>
    await page.getByText('Live', { exact: true }).first().waitFor();
  const open = async (path: string, prepare: (page: Page) => Promise<unknown>): Promise<WatchedPage> => {
    const watched = await openBlank(console.browser, { server: console.server.url });
    await prepare(watched.page);
    await watched.page.goto(`${console.server.url}/console${path}`);
    return watched;
  };

  it('takes storage away: every page is there, and what is written stays while it is open', async () => {
    await using watched = await open('/sessions', async (page) => await page.addInitScript(closeStorage));
    const { page } = watched;
    await page.getByRole('row').getByRole('link', { name: 'A session' }).click();
    await page.getByRole('log').getByText('hello').first().waitFor();
    const message = page.getByRole('textbox', { name: 'Message' });
    await message.fill('my name is Ada');
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByText(/^Greenroom \d/).waitFor();
    await page.goBack();
    await message.waitFor();
    assert.equal(await message.inputValue(), 'my name is Ada');
    await message.press('Enter');
    await page.getByRole('log').getByText('Nice to meet you, Ada.').first().waitFor();
    await page.getByRole('link', { name: 'New session' }).first().click();
    await page.getByRole('heading', { name: 'New session' }).waitFor();
  });

  it('fills storage: a message is sent all the same', async () => {
    await using watched = await open(
      `/sessions/${sessionId}`,
      async (page) => await page.addInitScript(fillStorage),
    );
    const message = watched.page.getByRole('textbox', { name: 'Message' });
    await message.fill('my name is Grace');
    await message.press('Enter');
    await watched.page.getByRole('log').getByText('Nice to meet you, Grace.').first().waitFor();
  });

  it('leaves of another version what this one cannot read', async () => {
    await using watched = await open(
      `/sessions/${sessionId}?panel=changes`,
      async (page) => await page.addInitScript(keepNonsense, sessionId),
    );
    await watched.page.getByRole('textbox', { name: 'Message' }).waitFor();
    await watched.page.getByRole('tab', { name: 'Changes' }).waitFor();
    await live(watched.page);
  });

  it('has a newer console on the server: says so, and leaves the other pages there', async () => {
    await using watched = await open('/sessions', async (page) => {
      await page.route(/assets\/new-session-page/, async (route) => await route.fulfill({ status: 404 }));
    });
    const { page } = watched;
    watched.tolerate(
      /status of 404/,
      /assets\/new-session-page/,
      /could not be loaded/,
      /dynamically imported/,
    );
    await live(page);
    await page.getByRole('link', { name: 'New session' }).first().click();
    await page.getByText('This part of the console could not be loaded.').waitFor();
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByText(/^Greenroom \d/).waitFor();
    await page.unroute(/assets\/new-session-page/);
    await page.getByRole('link', { name: 'New session' }).first().click();
    await page.getByRole('button', { name: 'Reload' }).or(page.getByLabel('Prompt')).first().waitFor();
    if ((await page.getByRole('button', { name: 'Reload' }).count()) > 0)
      await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByRole('heading', { name: 'New session' }).waitFor();
  });

  it('has no server when a page is opened: the page comes when the server is back', async () => {
    const gone = /\/(assets\/new-session-page|events|me|summaries|sessions|approvals|counts)/;
    await using watched = await open('/settings', async () => {});
    const { page } = watched;
    watched.tolerate(/ERR_|could not be loaded|dynamically imported|status of/);
    await live(page);
    await page.route(gone, async (route) => await route.abort('connectionrefused'));
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await page.getByText(/next try in/).waitFor();
    await page.getByRole('link', { name: 'New session' }).first().click();
    await page.getByText('This part of the console could not be loaded.').waitFor();
    await page.unroute(gone);
    await page.getByRole('heading', { name: 'New session' }).waitFor();
  });

  it('has a hotel between: says that something else answers, and comes back by itself', async () => {
    const all = /\/(events|me|sessions|approvals)(\/|\?|$)/;
    await using watched = await open('/sessions', async (page) => {
      await page.route(
        (url) => all.test(url.pathname) && !url.pathname.includes('console'),
        async (route) => await route.fulfill(fields.html),
      );
    });
    const { page } = watched;
    await page
      .getByText(/Something other than Greenroom answered/)
      .first()
      .waitFor();
    assert.equal(await page.getByText('Live', { exact: true }).count(), 0);
    assert.equal(await page.getByText(/hotel|Unexpected token/).count(), 0);
    await page.unrouteAll();
    await page.getByRole('row').getByText('A session').first().waitFor();
    await live(page);
  });

  it('has no database: says when to try again, in the words of the server', async () => {
    await using watched = await open('/sessions', async (page) => {
      await page.route(/\/sessions\?|\/sessions\/summaries/, async (route) =>
        route.request().resourceType() === 'document'
          ? await route.continue()
          : await route.fulfill(fields.busy),
      );
    });
    watched.tolerate(/status of 503/);
    const note = watched.page.getByRole('alert').filter({ hasText: 'The database is away.' }).first();
    await note.getByText('Try again in 90 s.').waitFor();
    await watched.page.unrouteAll();
    await note.getByRole('button', { name: 'Try again' }).click();
    await watched.page.getByRole('row').getByText('A session').first().waitFor();
  });

  it('deletes the session in another tab: what is shown stays, and says so', async () => {
    const id = await console.server.execute({ prompt: 'short-lived' });
    await console.server.ended(id);
    await using watched = await open(`/sessions/${id}`, async () => {});
    watched.tolerate(/status of 404/);
    const { page } = watched;
    await page.getByRole('log').getByText('short-lived').first().waitFor();
    await live(page);
    await console.server.client.sessions.delete(id);
    await page.getByRole('alert').getByRole('link', { name: 'To the sessions' }).waitFor();
    await page.getByRole('log').getByText('short-lived').first().waitFor();
  });

  it('has a phone that is slow: what it shows is there in seconds, and takes a press', async () => {
    await using watched = await openBlank(console.browser, {
      server: console.server.url,
      look: { isPhone: true },
    });
    const { page } = watched;
    const debugging = await page.context().newCDPSession(page);
    await debugging.send('Emulation.setCPUThrottlingRate', { rate: 6 });
    const id = await console.server.execute({ prompt: run('seq 1 2000'), allowed_tools: ['Bash'] });
    await console.server.ended(id);
    await page.goto(`${console.server.url}/console/sessions/${id}`);
    await page.getByRole('button', { name: /^Worked/ }).click();
    await page.getByRole('button', { name: /seq 1 2000/ }).click();
    await page.getByText('2000', { exact: true }).first().waitFor();
  });
});

describe('who signs in after somebody else, in the same tab', () => {
  it('finds nothing of theirs', async () => {
    await using console = await startConsole();
    const { server } = console;
    const admin = server.as(await makeKey(server, ['operator']));
    const make = async (tenant: string) =>
      (await admin.request('POST', '/api-keys', { name: tenant, scopes: ['operator'], tenant })).body;
    const [ada, eve] = [await make('ada'), await make('eve')];
    const sessionId = await server.as(ada.key).execute({ prompt: 'the secret of Ada' });
    await server.as(ada.key).ended(sessionId);
    await using watched = await openBlank(console.browser, { server: server.url });
    watched.tolerate(/status of (401|404)/);
    const { page } = watched;
    await signIn(page, { server, key: ada.key });
    await page.goto(`${server.url}/console/sessions/${sessionId}`);
    await page.getByRole('log').getByText('the secret of Ada').first().waitFor();
    await page.getByRole('textbox', { name: 'Message' }).fill('a thought of Ada');
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.getByLabel('API key').fill(eve.key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Sessions', exact: true }).waitFor();
    const seen = page.getByText('the secret of Ada');
    assert.equal(await seen.count(), 0);
    await page.evaluate((id) => {
      history.pushState({}, '', `/console/sessions/${id}`);
      window.dispatchEvent(new PopStateEvent('popstate'));
    }, sessionId);
    await page
      .getByText(/no such session/i)
      .first()
      .waitFor();
    assert.equal(await seen.count(), 0);
    assert.doesNotMatch(await page.evaluate(() => JSON.stringify({ ...localStorage })), /of Ada/);
  });
});

/** Runs in the page: already looking at storage fails, as where cookies are forbidden. */
function closeStorage(): void {
  for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) {
    Object.defineProperty(window, name, {
      get: () => {
        throw new DOMException('Access is denied for this document.', 'SecurityError');
      },
    });
  }
}

/** Runs in the page. */
function fillStorage(): void {
  Storage.prototype.setItem = () => {
    throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  };
}

/** Runs in the page. */
function keepNonsense(id: string): void {
  for (const [name, value] of Object.entries({
    theme: { dark: 1 },
    locale: ['en'],
    newSession: 'a text',
    [`draft.${id}`]: { text: 7, images: null },
    [`outgoing.${id}`]: [null, 1, { key: 'k' }],
    [`kept.${id}`]: [{}, 'x'],
    [`editing.${id}`]: { turnId: 1 },
    [`comments.${id}`]: { length: 3 },
    'image.x': { not: 'a text' },
    'approval.x': 'no draft',
  })) {
    localStorage.setItem(`greenroom.${name}`, JSON.stringify(value));
  }
  localStorage.setItem('greenroom.notifications', '{half of');
}
