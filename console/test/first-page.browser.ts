import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Console, openBlank, startConsole } from './support/console.ts';
import { seedSessions } from './support/seeded.ts';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const MAX_BYTES = 200_000;
/** Fonts are there once, and only those that a page has letters of. */
const MAX_FONT_BYTES = 100_000;

/** As it is sent to a client that takes gzip. */
async function sentSize(name: string): Promise<number> {
  const plain = join(dist, name === '' || !name.includes('.') ? 'index.html' : name);
  const { size } = await stat(`${plain}.gz`).catch(async () => await stat(plain));
  return size;
}

describe('the first page', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
    await seedSessions(console.server, 50);
  });
  after(async () => await console[Symbol.asyncDispose]());

  it('takes at most 200 kB until its first rows are there', async () => {
    await using watched = await openBlank(console.browser, { server: console.server.url });
    const names: string[] = [];
    watched.page.on('request', (request) => {
      const [, name] = request.url().split('/console/');
      if (name !== undefined) names.push(name);
    });
    await watched.page.goto(`${console.server.url}/console/sessions`);
    await watched.page.getByRole('row').filter({ hasText: 'Session 50' }).waitFor();
    const sizes = await Promise.all(names.map(async (name) => ({ name, size: await sentSize(name) })));
    const isFont = ({ name }: { name: string }): boolean => name.endsWith('.woff2');
    const sum = (files: typeof sizes): number => files.reduce((total, { size }) => total + size, 0);
    assert.ok(names.some((name) => name.endsWith('.js')));
    assert.ok(sum(sizes.filter((file) => !isFont(file))) <= MAX_BYTES, JSON.stringify(sizes));
    assert.ok(sum(sizes.filter(isFont)) <= MAX_FONT_BYTES, JSON.stringify(sizes));
  });

  it('is sent compressed, in whichever way a client takes', async () => {
    const [, script = ''] =
      /src="\.\/(assets\/[^"]+\.js)"/.exec(await readFile(join(dist, 'index.html'), 'utf8')) ?? [];
    for (const [accepted, sent] of [
      ['gzip', 'gzip'],
      ['br, gzip', 'br'],
      ['identity', null],
    ] as const) {
      const answer = await fetch(`${console.server.url}/console/${script}`, {
        headers: { 'accept-encoding': accepted },
      });
      assert.equal(answer.headers.get('content-encoding'), sent);
      await answer.arrayBuffer();
    }
  });
});
