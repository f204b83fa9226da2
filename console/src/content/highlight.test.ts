import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { contrast } from './ansi.ts';
import { colorReplacements, highlight, themes } from './highlight.ts';
import { languages } from './language.ts';

const styles = readFileSync(new URL('../styles.css', import.meta.url), 'utf8');
const rgb = (hex: string): string =>
  [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(', ');

/** What code stands on, in the light and in the dark. */
function groundsOf(theme: 'light' | 'dark'): string[] {
  const block = styles.split('.dark {')[theme === 'light' ? 0 : 1] ?? '';
  return ['ground', 'panel', 'raised', 'added', 'removed'].map(
    (name) => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(block)?.[1] ?? assert.fail(name),
  );
}

describe('colours of code', () => {
  for (const theme of ['light', 'dark'] as const) {
    it(`can be read on each ground in the ${theme}`, async () => {
      const { default: registration } = await import(`shiki/themes/${themes[theme]}.mjs`);
      const rules: { settings?: { foreground?: string } }[] =
        registration.tokenColors ?? registration.settings;
      const used = [
        registration.colors['editor.foreground'],
        ...rules.map((rule) => rule.settings?.foreground),
      ];
      const replaced = colorReplacements[themes[theme]] ?? {};
      const colours = used
        .filter((colour) => typeof colour === 'string')
        .map((colour) => colour.toLowerCase());
      assert.ok(colours.length > 5);
      for (const colour of colours.map((each) => replaced[each] ?? each)) {
        for (const ground of groundsOf(theme)) {
          assert.ok(contrast(rgb(colour), rgb(ground)) >= 4.5, `${colour} on ${ground}`);
        }
      }
    });
  }

  it('say the same as the text, in each language', async () => {
    const text = '# x = "é<b>\u202e" \n\tfunction 日本 { return 1 } // ok\r\n';
    for (const language of languages) {
      const lines = await highlight(text, language);
      const plain = lines?.map((line) => line.map((token) => token.text).join(''));
      assert.deepEqual(plain, text.split(/\r?\n/), language);
    }
  });

  it('are of both themes', async () => {
    const [line] = (await highlight('const x = 1;', 'typescript')) ?? [];
    const keyword = line?.find((token) => token.text.startsWith('const'));
    assert.match(keyword?.light ?? '', /^#/);
    assert.match(keyword?.dark ?? '', /^#/);
    assert.notEqual(keyword?.light, keyword?.dark);
  });

  it('are left out where text is too long for them', async () => {
    assert.equal(await highlight('x'.repeat(60_001), 'typescript'), null);
    const [line] = (await highlight('a'.repeat(50_000), 'typescript')) ?? [];
    assert.equal(line?.map((token) => token.text).join('').length, 50_000);
  });
});
