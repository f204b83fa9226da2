import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { openBlank, startConsole } from './support/console.ts';
import { countSlowly } from './support/demo-prompts.ts';
import { makeKey } from './support/sign-in.ts';

const PREFIX = '/tools/agents';

type Proxy = { url: string; strangers: string[]; [Symbol.asyncDispose](): Promise<void> };

/** As an nginx before the server: what lies below the prefix goes to it, without the prefix; nothing else does. */
async function startProxy(target: string): Promise<Proxy> {
  const strangers: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const url = incoming.url ?? '';
    if (!url.startsWith(`${PREFIX}/`)) {
      strangers.push(url);
      outgoing.writeHead(404).end();
      return;
    }
    const passed = request(
      new URL(url.slice(PREFIX.length), target),
      { method: incoming.method ?? 'GET', headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${PREFIX}`,
    strangers,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

describe('the console behind a reverse proxy, under a sub-path', () => {
  it('signs in, shows a session as it is written, is read again where it is deep, and asks for nothing beside', async () => {
    await using console = await startConsole();
    await using proxy = await startProxy(console.server.url);
    const key = await makeKey(console.server, ['operator']);
    await using watched = await openBlank(console.browser, { server: proxy.url });
    const { page } = watched;
    watched.tolerate(/status of 401/);
    await page.goto(`${proxy.url}/console/`);
    await page.getByLabel('API key').fill(key);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'No sessions yet' }).waitFor();
    const { id } = await console.server
      .as(key)
      .request('POST', '/execute/', { prompt: countSlowly(60) })
      .then(({ body }) => ({ id: body.session_id as string }));
    await page.goto(`${proxy.url}/`);
    await page.locator(`tr[data-session-id="${id}"]`).getByRole('link').first().click();
    await page.waitForURL(`${proxy.url}/console/sessions/${id}**`);
    await page
      .getByRole('log')
      .getByText(/\b8\s+9\s+10\b/)
      .waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await page
      .getByRole('log')
      .getByText(/\b58\s+59\s+60\b/)
      .waitFor();
    await page.reload();
    await page
      .getByRole('log')
      .getByText(/\b58\s+59\s+60\b/)
      .waitFor();
    await page.getByRole('tab', { name: 'Files' }).click();
    await page.getByRole('button', { name: 'Upload' }).waitFor();
    // Browsers ask for it by themselves where an answer is no page of the console.
    assert.deepEqual(
      proxy.strangers.filter((url) => url !== '/favicon.ico'),
      [],
    );
  });
});
