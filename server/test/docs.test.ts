import assert from 'node:assert/strict';
import { access, glob, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { flagName, optionNames, optionOf } from '../src/config-options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

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

  it('links only to files that exist', async () => {
    for await (const page of glob(['*.md', 'docs/**/*.md'], { cwd: root })) {
      const text = await readFile(join(root, page), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)) {
        const path = join(root, dirname(page), target ?? '');
        await assert.doesNotReject(access(path), `${page} links to ${target}, which is not there`);
      }
    }
  });

  it('names, for every promise, tests that exist', async () => {
    const page = await readFile(join(root, 'docs/ARCHITECTURE.md'), 'utf8');
    const named = [...page.matchAll(/^\| P\d.*?\| `(\S+\.test\.ts)`: (.+?) \|$/gm)];
    assert.ok(named.length >= 5);
    for (const [, file, title] of named) {
      const source = await readFile(join(root, 'server/test', file ?? ''), 'utf8');
      assert.ok(source.includes(title ?? ''), `${file} has no test "${title}"`);
    }
  });
});
