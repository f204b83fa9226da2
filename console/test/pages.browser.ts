import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { assertAccessible, assertAccessibleInBothThemes } from './support/axe.ts';
import { type Console, type Look, openBlank, startConsole } from './support/console.ts';
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

/** The pages that have most of what there is are looked at so, too. */
const briefLooks: Record<string, Look> = {
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

  type Shown = { what: string; path: string; isReady?: string; isMain?: boolean };

  const pages = (): Shown[] => {
    const panels = ['overview', 'changes', 'files', 'events', 'options'];
    // The cards of what is asked come a moment later than the rest of a page.
    const strip = 'main article button';
    const card = 'main h2 svg';
    const cards = ['tool', 'question', 'choices', 'plan'] as const;
    return [
      { what: 'the sessions', path: '/sessions', isReady: strip, isMain: true },
      { what: 'a list of nothing', path: '/sessions?q=no-such-session', isReady: strip },
      ...(['done', 'failed', 'busy', 'agents'] as const).map((name) => ({
        what: `a session: ${name}`,
        path: `/sessions/${sessions[name]}`,
        isMain: name === 'done',
      })),
      ...cards.map((name) => ({
        what: `a session: ${name}`,
        path: `/sessions/${sessions[name]}`,
        isReady: card,
        isMain: true,
      })),
      ...panels.map((panel) => ({
        what: `the panel ${panel}`,
        path: `/sessions/${sessions.done}?panel=${panel}`,
      })),
      { what: 'a session that is not there', path: '/sessions/0190b2a0-0000-7000-8000-000000000000' },
      { what: 'a new session', path: '/new', isMain: true },
      { what: 'the settings', path: '/settings', isMain: true },
      { what: 'the sign-in', path: '/sign-in', isMain: true },
      { what: 'a page that is not there', path: '/nothing/of/the/kind' },
    ];
  };

  const forEachPage = async (
    { look, isBrief }: { look?: Look; isBrief?: boolean },
    examine: (page: Page, what: string) => Promise<void>,
  ): Promise<void> => {
    await using watched = await openBlank(console.browser, { server: console.server.url, look });
    const { page } = watched;
    watched.tolerate(/status of 404/);
    for (const { what, path, isReady = 'main :is(h1, [role=log])', isMain = false } of pages()) {
      if (isBrief === true && !isMain) continue;
      await page.goto(`${console.server.url}/console${path}`);
      await page.locator(isReady).first().waitFor();
      for (const pending of ['[aria-busy=true]', '[role=tabpanel] .animate-spin']) {
        await page.locator(pending).first().waitFor({ state: 'detached' });
      }
      await page.evaluate(async () => await document.fonts.ready);
      await examine(page, what);
    }
  };

  it('has nothing that axe objects to, light and dark', async () => {
    await forEachPage({}, assertAccessibleInBothThemes);
  });

  for (const [name, look] of Object.entries(briefLooks)) {
    it(`has nothing that axe objects to, ${name}`, async () => {
      await forEachPage(
        { look, isBrief: true },
        async (page, what) => await assertAccessible(page, `${what}, ${name}`),
      );
    });
  }

  it('is used by keyboard alone: each act is a stop of the Tab key that shows, or the arrow keys lead to it', async () => {
    await forEachPage({}, assertReachableByKeyboard);
  });
});
