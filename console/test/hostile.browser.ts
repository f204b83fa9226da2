import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Console, startConsole } from './support/console.ts';
import { inOrder, run, say, write } from './support/demo-prompts.ts';
import { runTurns } from './support/seeded.ts';

const HTML =
  '<img src=x onerror="window.owned=1"><script>window.owned=1</script><svg onload="window.owned=1">';
const MARKDOWN = `${HTML}

<a href="javascript:window.owned=1">one</a> <iframe src="https://evil.example/"></iframe>
<style>body { display: none }</style> <form action="https://evil.example/"><input autofocus></form>

| a table | that never ends
| ---
\`\`\`html
${HTML}`;

describe('what an agent writes', () => {
  let console: Console;
  before(async () => {
    console = await startConsole();
  });
  after(async () => await console[Symbol.asyncDispose]());

  // The page is watched: whatever would run breaks its policy, and whatever would be loaded leaves this host.
  const seen = async (id: string, text: string | RegExp): Promise<void> => {
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    for (const fold of await page
      .getByRole('button', { expanded: false })
      .filter({ hasText: /^Worked/ })
      .all()) {
      await fold.click();
    }
    await page.getByRole('log').getByText(text).first().waitFor();
    assert.equal(await page.evaluate(() => 'owned' in globalThis), false);
    assert.equal(
      await page.locator('[role=log] :is(script, iframe, style, form, [onerror], [onload])').count(),
      0,
    );
    assert.equal(
      await page.locator('[role=log] a[href^="javascript:" i], [role=log] a[href^="data:" i]').count(),
      0,
    );
  };

  it('is text, whatever HTML is in it', async () => {
    await seen(await runTurns(console.server, [say(MARKDOWN)]), 'a table');
  });

  it('is text in titles, prompts, paths and outputs, too', async () => {
    const id = await runTurns(console.server, [inOrder(run(`echo '${HTML}'`), write('a<b>.html', HTML))], {
      title: `${HTML} title`,
      metadata: { '<b>label</b>': HTML },
      allowed_tools: ['Bash', 'Write'],
    });
    await seen(id, /onerror/);
    await using watched = await console.open('/sessions');
    await watched.page
      .getByRole('row')
      .getByText(/onerror.*title/)
      .first()
      .waitFor();
    assert.equal(await watched.page.evaluate(() => 'owned' in globalThis), false);
  });

  it('breaks nothing when it is one line of 5 MB, or nothing but escapes', async () => {
    const large = `node -e 'process.stdout.write("x".repeat(5e6))'`;
    const escapes = String.raw`printf '\033[2J\033[H\033]0;owned\007\033[31m\033[999;999Hred\033[5mblink\033]8;;javascript:1\033\\link'`;
    const id = await runTurns(console.server, [inOrder(run(escapes), run(large))], {
      allowed_tools: ['Bash'],
    });
    await seen(id, /link/);
  });
});
