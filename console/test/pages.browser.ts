import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible } from './support/axe.ts';
import { type Console, type Look, startConsole } from './support/console.ts';
import {
  ask,
  askForSeveral,
  delegate,
  edit,
  inOrder,
  plan,
  run,
  say,
  think,
  untilToldToGo,
  write,
} from './support/demo-prompts.ts';
import { assertReachableByKeyboard } from './support/keyboard.ts';
import { runTurns } from './support/seeded.ts';

const looks: Record<string, Look> = {
  light: { theme: 'light' },
  dark: { theme: 'dark' },
  'on a phone': { theme: 'dark', isPhone: true },
  'in Japanese': { locale: 'ja-JP' },
};

const MARKDOWN =
  '# Title\n\nSome **bold** text, `code`, and\n\n1. one\n2. two\n\n```ts\nconst a = 1;\n```\n\n| a | b |\n| --- | --- |\n| 1 | 2 |';

describe('every page', () => {
  let console: Console;
  let sessions: Record<
    'done' | 'failed' | 'busy' | 'tool' | 'question' | 'choices' | 'plan' | 'agents',
    string
  >;
  before(async () => {
    console = await startConsole();
    const { server } = console;
    const asking = async (prompt: string, options: object = {}): Promise<string> => {
      const id = await server.execute({ prompt, approvals: 'ask', ...options });
      await server.event(id, (event) => event.kind === 'approval');
      return id;
    };
    const tools = ['Bash', 'Write', 'Edit', 'Read', 'Agent'];
    const busy = await server.execute({ prompt: untilToldToGo, allowed_tools: tools });
    await server.event(
      busy,
      ({ kind, data }) => kind === 'sdk' && JSON.stringify(data).includes('[ -e go ]'),
    );
    sessions = {
      done: await runTurns(
        server,
        [
          think(say(MARKDOWN)),
          inOrder(write('a.ts', 'export const a = 1;'), edit('a.ts', { replace: '1', by: '2' })),
          inOrder(run(String.raw`printf '\033[31mred\033[0m'`), run('exit 3')),
        ],
        { allowed_tools: tools, title: 'A session with everything', metadata: { project: 'shop' } },
      ),
      failed: await runTurns(server, ['[demo:error 400] hello']),
      busy,
      tool: await asking(run('echo hi > greeting.txt')),
      question: await asking(ask('Which colour?', ['red', 'green'])),
      choices: await asking(askForSeveral('Which colours?', ['red', 'green'])),
      plan: await asking(plan(MARKDOWN), { permission_mode: 'plan' }),
      agents: await runTurns(server, [delegate(run('echo hi'))], { allowed_tools: tools }),
    };
  });
  after(async () => await console[Symbol.asyncDispose]());

  /** Shows something, and is told of what happens. */
  const isReady = async (page: Page): Promise<void> => {
    await page.locator('main :is(h1, [role=log], table)').first().waitFor();
    for (const pending of ['[aria-busy=true]', '[role=tabpanel] .animate-spin']) {
      await page.locator(pending).first().waitFor({ state: 'detached' });
    }
    await page.evaluate(async () => await document.fonts.ready);
  };

  const paths = (): Record<string, string> => ({
    'the sessions': '/sessions',
    'a list of nothing': '/sessions?q=no-such-session',
    ...Object.fromEntries(
      Object.entries(sessions).map(([name, id]) => [`a session: ${name}`, `/sessions/${id}`]),
    ),
    ...Object.fromEntries(
      ['overview', 'changes', 'files', 'events', 'options'].map((panel) => [
        `the panel ${panel}`,
        `/sessions/${sessions.done}?panel=${panel}`,
      ]),
    ),
    'a session that is not there': '/sessions/0190b2a0-0000-7000-8000-000000000000',
    'a new session': '/new',
    'the settings': '/settings',
    'the sign-in': '/sign-in',
    'a page that is not there': '/nothing/of/the/kind',
  });

  for (const [name, look] of Object.entries(looks)) {
    it(`has nothing that axe objects to, ${name}`, async () => {
      for (const [what, path] of Object.entries(paths())) {
        await using watched = await console.open(path, look);
        if (what.includes('not there')) watched.tolerate(/status of 404/);
        await isReady(watched.page);
        await assertAccessible(watched.page, `${what}, ${name}`);
      }
    });
  }

  it('is used by keyboard alone: each act is a stop of the Tab key that shows, or the arrow keys lead to it', async () => {
    for (const [what, path] of Object.entries(paths())) {
      await using watched = await console.open(path);
      if (what.includes('not there')) watched.tolerate(/status of 404/);
      await isReady(watched.page);
      await assertReachableByKeyboard(watched.page, what);
    }
  });
});
