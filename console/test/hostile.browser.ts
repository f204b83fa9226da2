import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Console, startConsole } from './support/console.ts';
import { inOrder, run, say, write } from './support/demo-prompts.ts';
import { HOSTILE_AMOUNTS } from './support/hostile-amounts.ts';
import { appendMessages, call, type Message, says } from './support/hostile-events.ts';
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

  /** Opens whatever can be opened, from the end of the transcript to its beginning. */
  const readAll = async (id: string, messages: readonly Message[]): Promise<void> => {
    await appendMessages(console.server, id, messages);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('log').getByText('the end').last().waitFor();
    for (let step = 0; step < 300; step++) {
      await page.getByRole('log').evaluate((log) => {
        for (const button of log.querySelectorAll<HTMLElement>('article > button[aria-expanded=false]'))
          button.click();
      });
      const isAtTop = await page.getByRole('log').evaluate((log) => {
        const before = log.scrollTop;
        log.scrollTop -= log.clientHeight * 0.8;
        return before === 0;
      });
      if (isAtTop) break;
    }
    assert.equal(await page.getByText(/cannot show what stands here|This page failed/).count(), 0);
    assert.equal(await page.evaluate(() => 'owned' in globalThis), false);
  };
  const ODD: readonly unknown[] = [
    null,
    '',
    0,
    -1,
    true,
    'text',
    [],
    [null, 1, 'x', []],
    { length: 3 },
    { toString: null },
  ];
  const NAMES = [
    '__proto__',
    'constructor',
    'toString',
    '',
    'hasOwnProperty',
    'mcp____proto____x',
    'mcp__a__',
  ];
  const TOOLS = ['Bash', 'Edit', 'MultiEdit', 'Write', 'NotebookEdit', 'Read', 'Grep', 'Glob', 'TodoWrite'];
  const OTHERS = ['TaskCreate', 'TaskUpdate', 'ExitPlanMode', 'AskUserQuestion', 'WebFetch', 'WebSearch'];

  it('takes tools of any name, with inputs and results of any shape', async () => {
    const id = await runTurns(console.server, ['hello']);
    const fields = 'command file_path old_string new_string content edits todos plan questions url query';
    const inputs = ODD.map((odd) => Object.fromEntries(fields.split(' ').map((field) => [field, odd])));
    const messages = [...NAMES, ...TOOLS, ...OTHERS].flatMap((name, index) => [
      ...call(name, inputs[index % inputs.length], {
        output: ODD[index % ODD.length],
        details: ODD.at(-index % 10),
      }),
      ...call(name, JSON.parse('{"__proto__": {"owned": 1}, "constructor": ["x"]}'), {
        output: [null, 7, { type: 'text' }, { type: 'image', data: 'x' }],
        details: { structuredPatch: ODD, file: ODD, filenames: ODD, answers: ODD, results: ODD, task: ODD },
      }),
    ]);
    await readAll(id, [...messages, says('the end')]);
  });

  it('shows its end and answers where there is far too much of anything', async () => {
    const id = await runTurns(console.server, ['hello']);
    const messages = Object.values(HOSTILE_AMOUNTS).flatMap((make) => make());
    await appendMessages(console.server, id, [...messages, says('the end')]);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('log').getByText('the end', { exact: true }).last().waitFor();
    assert.equal(await page.getByText(/cannot show what stands here|This page failed/).count(), 0);
    assert.equal(await page.evaluate(() => 'owned' in globalThis), false);
    await page.getByRole('button', { name: /^Find/ }).click();
    const found = page.getByRole('search');
    await found.getByRole('searchbox').fill('the end');
    await found.getByText('1 of 1').waitFor();
  });

  it('tells of all subagents, however many there are and however few are read', async () => {
    const id = await runTurns(console.server, ['hello']);
    const agents = Array.from({ length: 190 }, (_, index) =>
      call('Agent', { description: `agent ${index}.`, prompt: 'go' }),
    );
    await appendMessages(console.server, id, [...agents.flat(), says('the end')]);
    await using watched = await console.open(`/sessions/${id}`);
    const { page } = watched;
    await page.getByRole('button', { name: /^\d+\+ subagents$/ }).click();
    await page.getByRole('button', { name: 'Load all' }).click();
    const tree = page.getByRole('dialog', { name: '190 subagents' });
    await tree.getByRole('link', { name: 'agent 189.' }).waitFor();
    await tree.getByRole('button', { name: 'Show 140 more' }).click();
    await tree.getByRole('link', { name: 'agent 0.' }).waitFor();
  });
});
