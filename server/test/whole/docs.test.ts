import assert from 'node:assert/strict';
import { access, glob, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { executeRequest } from '../../src/face/classic/classic.ts';
import { flagName, optionNames, optionOf } from '../../src/ground/config/options.ts';
import { errorStatus } from '../../src/ground/errors.ts';
import { optionDefaults, sessionOptionFields } from '../../src/session/options/fields.ts';
import { knownTools } from '../../src/session/options/tools.ts';
import { settingsRequest } from '../../src/session/settings.ts';
import { turnErrorCode } from '../../src/session/turn/turn.ts';
import { ApiDocument } from '../support/api-document.ts';
import { startTestServer } from '../support/harness.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

describe('the documentation', () => {
  it('lists every option with its flag, environment names and default', async () => {
    const page = await readFile(join(root, 'docs/configuration.md'), 'utf8');
    for (const name of optionNames) {
      const { env, description, defaultText, noFlag } = optionOf(name);
      const flag = noFlag ? '' : `\`--${flagName(name)}\``;
      const row = `| \`${name}\` | ${flag} | ${env.map((variable) => `\`${variable}\``).join(', ')} | ${description} | ${defaultText} |`;
      assert.ok(page.includes(row), `docs/configuration.md lacks this row:\n${row}`);
    }
  });

  it('explains messages of the log that there are', async () => {
    const page = await readFile(join(root, 'docs/operations.md'), 'utf8');
    const table = page.slice(page.indexOf('| message |'), page.indexOf('## The bad days'));
    const messages = [...table.matchAll(/^\| (`.*?`) \|/gm)].flatMap(
      ([, cell = '']) => cell.match(/[^`]{10,}/g) ?? [],
    );
    assert.ok(messages.length > 15, String(messages.length));
    const paths = await Array.fromAsync(glob('server/src/**/*.ts', { cwd: root }));
    const sources = await Promise.all(paths.map(async (path) => await readFile(join(root, path), 'utf8')));
    const said = sources.join('\n');
    assert.deepEqual(
      messages.filter((message) => !said.includes(message)),
      [],
    );
  });

  describe('of the options', () => {
    const read = async () => await readFile(join(root, 'docs/options.md'), 'utf8');
    const rows = (page: string, columns: number): string[][] =>
      page
        .split('\n')
        .filter((line) => line.startsWith('| `'))
        .map((line) =>
          line
            .slice(1, -1)
            .split('|')
            .map((cell) => cell.trim()),
        )
        .filter((cells) => cells.length === columns);
    const cellOf = (name: string): string => `\`${name}\``;

    it('lists every field of POST /execute/ with its default, and whether it can be changed', async () => {
      const documented = rows(await read(), 5).map(([name, , preset, what, change]) => ({
        name,
        preset,
        what,
        isChangeable: change !== 'no',
      }));
      const defaults: Record<string, unknown> = optionDefaults;
      const expected = Object.entries(executeRequest.shape).map(([name, field]) => ({
        name: cellOf(name),
        preset: name in defaults ? cellOf(String(defaults[name])) : '',
        what: field.description,
        isChangeable: name in settingsRequest.shape,
      }));
      const byName = (a: { name: string | undefined }, b: { name: string | undefined }) =>
        (a.name ?? '').localeCompare(b.name ?? '');
      assert.deepEqual(documented.toSorted(byName), expected.toSorted(byName));
    });

    it('lists every choice of a field that has some, and every tool', async () => {
      const page = await read();
      const types = new Map(rows(page, 5).map(([name, type]) => [name, type ?? '']));
      for (const [name, field] of Object.entries(sessionOptionFields)) {
        if (!(field instanceof z.ZodEnum)) continue;
        assert.equal(types.get(cellOf(name)), field.options.map(cellOf).join(', '), name);
      }
      for (const tool of knownTools) assert.match(page, new RegExp(`\\b${tool}\\b`));
    });

    it('says what every error means and what to do: those of turns, and those of requests', async () => {
      const page = await read();
      const turnErrors = rows(page, 3).map(([code]) => code);
      assert.deepEqual(turnErrors, turnErrorCode.options.map(cellOf));
      const refusals = rows(page, 4).map(([code, status]) => [code, status]);
      const expected = Object.entries(errorStatus).map(([code, status]) => [cellOf(code), String(status)]);
      assert.deepEqual(refusals, expected);
    });
  });

  it('links only to files that exist', async () => {
    for await (const page of glob(['*.md', 'docs/**/*.md'], { cwd: root })) {
      const text = await readFile(join(root, page), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        const path = join(root, dirname(page), target ?? '');
        await assert.doesNotReject(access(path), `${page} links to ${target}, which is not there`);
      }
    }
  });

  it('names only routes that exist', async () => {
    await using server = await startTestServer();
    const { operations } = await ApiDocument.read(server);
    // Not part of the description: the index, the page, and the description itself.
    const routes = [...operations.keys(), 'GET /', 'GET /console', 'GET /openapi.json'].map((route) => {
      const [method = '', path = ''] = route.split(' ');
      const pattern = path.replace('{path}', '.+').replaceAll(/\{\w+\}/g, '[^/]+');
      return { method, path: new RegExp(`^${pattern}/?$`) };
    });
    let count = 0;
    for await (const page of glob(['README.md', 'docs/*.md'], { cwd: root })) {
      const text = await readFile(join(root, page), 'utf8');
      const named = text.matchAll(/`(GET|POST|PUT|PATCH|DELETE) (\/[^\s`?…]*)/g);
      const called = text.matchAll(/()(?:localhost|127\.0\.0\.1):8000(\/[^\s`'"?…)]*)/g);
      for (const [, method, path = ''] of [...named, ...called]) {
        const exists = routes.some((route) => route.path.test(path) && (!method || route.method === method));
        assert.ok(exists, `${page} names ${method} ${path}, which is not there`);
        count += 1;
      }
    }
    assert.ok(count > 50, `found only ${count} routes: has the form of the pages changed?`);
  });

  it('names source files that are there, in the map', async () => {
    const page = await readFile(join(root, 'docs/ARCHITECTURE.md'), 'utf8');
    const paths = await Array.fromAsync(glob('{server,client,console,bench}/**/*.{ts,tsx}', { cwd: root }));
    const named = [...page.matchAll(/`([\w./-]*\w\.tsx?)`/g)].map(([, path = '']) => path);
    assert.ok(named.length > 50);
    const isThere = (name: string): boolean => paths.some((path) => `/${path}`.endsWith(`/${name}`));
    assert.deepEqual(
      named.filter((name) => name !== 'x.ts' && !isThere(name)),
      [],
    );
  });

  it('names, for every promise, tests that exist', async () => {
    const page = await readFile(join(root, 'docs/ARCHITECTURE.md'), 'utf8');
    const named = [...page.matchAll(/^\| P\d.*?\| `(\S+\.test\.ts)`: (.+?) \|$/gm)];
    assert.ok(named.length >= 5);
    const paths = await Array.fromAsync(glob('server/{src,test}/**/*.test.ts', { cwd: root }));
    for (const [, file, title] of named) {
      const path = paths.find((path) => basename(path) === file) ?? assert.fail(`there is no ${file}`);
      const source = await readFile(join(root, path), 'utf8');
      assert.ok(source.includes(title ?? ''), `${file} has no test "${title}"`);
    }
  });
});
