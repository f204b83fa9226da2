import { join } from 'node:path';
import type { Block } from '../../server/src/engine/gateway/demo-model/rules.ts';
import type { Script } from './scripted-model.ts';

/** A session of the pictures: what is asked, and how it stands when they are taken. */
export type Story = {
  title: string;
  prompts: readonly string[];
  options?: Record<string, unknown>;
  metadata?: Record<string, string>;
  /** What it is waited for, before the next story begins. */
  until: 'ended' | 'asks' | 'calls' | 'writes';
  /** When it was started, by the pictures. */
  minutesAgo: number;
  isRead?: boolean;
  isPinned?: boolean;
};

const text = (value: string): Block => ({ type: 'text', text: value });
const thinking = (value: string): Block => ({ type: 'thinking', thinking: value });
const call = (name: string, input: Record<string, unknown>): Block => ({ type: 'tool_use', name, input });
const bash = (command: string, description: string): Block => call('Bash', { command, description });

const FIX = 'The checkout test fails every now and then. Find out why, and fix it.';
const PUSH = 'Good. Commit it on a branch and push it.';
const PLAN = 'Plan how we move sessions from the cookie store to PostgreSQL. No code yet.';
const CACHE = 'Add a cache in front of the price service.';
const JAPANESE = '在庫同期ジョブが昨夜から失敗しています。原因を調べてください。';
const LOAD = 'Load-test the search endpoint, and watch the 95th percentile.';
const NOTES = 'Write the release notes of version 2.4 from the log.';
const LARGE = 'Read the whole access log of October, and say who uses the old API.';
const REVIEW = 'Review the discount code: one agent for correctness, one for the tests.';
const RENAME = 'Rename basket to cart everywhere.';

export const stories: readonly Story[] = [
  {
    title: 'Rename basket to cart',
    prompts: [RENAME],
    metadata: { project: 'shop' },
    until: 'ended',
    minutesAgo: 26 * 60,
    isRead: true,
  },
  {
    title: 'Who still uses the old API?',
    prompts: [LARGE],
    metadata: { project: 'platform' },
    until: 'ended',
    minutesAgo: 190,
    isRead: true,
  },
  {
    title: 'Review the discount code',
    prompts: [REVIEW],
    options: { allowed_tools: ['Agent', 'Read', 'Grep', 'Glob'] },
    metadata: { project: 'shop' },
    until: 'ended',
    minutesAgo: 95,
  },
  {
    title: '在庫同期ジョブの失敗を調査',
    prompts: [JAPANESE],
    options: { allowed_tools: ['Grep', 'Read'] },
    metadata: { project: 'shop', team: 'tokyo' },
    until: 'ended',
    minutesAgo: 48,
  },
  {
    title: 'Move sessions to PostgreSQL',
    prompts: [PLAN],
    options: { permission_mode: 'plan', approvals: 'ask' },
    metadata: { project: 'platform' },
    until: 'asks',
    minutesAgo: 21,
  },
  {
    title: 'Cache for the price service',
    prompts: [CACHE],
    options: { approvals: 'ask' },
    metadata: { project: 'shop' },
    until: 'asks',
    minutesAgo: 12,
  },
  {
    title: 'Load-test the search endpoint',
    prompts: [LOAD],
    options: { allowed_tools: ['Bash'] },
    metadata: { project: 'platform' },
    until: 'calls',
    minutesAgo: 6,
  },
  {
    title: 'Release notes of 2.4',
    prompts: [NOTES],
    metadata: { project: 'shop' },
    until: 'writes',
    minutesAgo: 1,
  },
  {
    title: 'Fix the flaky checkout test',
    prompts: [FIX, PUSH],
    options: { allowed_tools: ['Read', 'Grep', 'Edit', 'Bash(npm test)'], approvals: 'ask' },
    metadata: { project: 'shop', team: 'payments' },
    until: 'asks',
    minutesAgo: 9,
    isPinned: true,
  },
];

export function scriptsIn(shop: string): Script[] {
  const file = (name: string): string => join(shop, name);
  return [
    { prompt: FIX, messages: fixTheTest(file) },
    {
      prompt: PUSH,
      messages: [
        [
          text('The fix and its test go on a branch of their own.'),
          bash(
            'git switch -c fix/checkout-race && git commit -am "Wait for every reservation" && git push -u origin HEAD',
            'Commit on a branch and push it',
          ),
        ],
      ],
    },
    {
      prompt: PLAN,
      messages: [[call('Glob', { pattern: 'src/**/*.js' })], [call('ExitPlanMode', { plan: MOVE })]],
    },
    {
      prompt: CACHE,
      messages: [[text('Two things to decide before I start.'), call('AskUserQuestion', { questions })]],
    },
    {
      prompt: JAPANESE,
      messages: [
        [
          text('まず在庫まわりのコードを確認します。'),
          call('Grep', { pattern: 'stock', output_mode: 'content' }),
        ],
        [call('Read', { file_path: file('src/stock.js') })],
        [text(STOCK)],
      ],
    },
    {
      prompt: LOAD,
      messages: [
        [
          text('I start with 50 requests a second, and raise that every minute.'),
          bash(
            'for rate in 50 100 200 400; do echo "rate $rate"; sleep 300; done',
            'Raise the load step by step',
          ),
        ],
      ],
    },
    { prompt: NOTES, messages: [[text(RELEASE)]], tokensPerSecond: 6 },
    { prompt: LARGE, messages: [], refusal: 'prompt is too long: 1084210 tokens > 1000000 maximum' },
    {
      prompt: REVIEW,
      messages: [
        [
          text('Two agents look at it at the same time.'),
          agent('Check that it is correct', 'Read src/discount.js and look for mistakes.'),
          agent('Check the tests', 'Find out what of src/discount.js no test runs.'),
        ],
        [text(REVIEWED)],
      ],
    },
    {
      prompt: 'Read src/discount.js and look for mistakes.',
      messages: [
        [call('Read', { file_path: file('src/discount.js') })],
        [text('`discount` compares codes as they are typed: `spring` gives none. Totals are not rounded.')],
      ],
    },
    {
      prompt: 'Find out what of src/discount.js no test runs.',
      messages: [
        [call('Grep', { pattern: 'discount', path: file('test') })],
        [text('No test calls `discount` at all.')],
      ],
    },
    {
      prompt: RENAME,
      messages: [[text('Nothing is called *basket* any more: 14 files, 61 places, all tests pass.')]],
    },
  ];
}

function agent(description: string, prompt: string): Block {
  return call('Agent', { description, prompt, subagent_type: 'general-purpose' });
}

function fixTheTest(file: (name: string) => string): Block[][] {
  const before = `  const reservations = [];
  for (const line of cart.lines) {
    reservations.push(reserve(line.sku, line.quantity));
  }`;
  const after = `  const reservations = await Promise.all(
    cart.lines.map(async ({ sku, quantity }) => await reserve(sku, quantity)),
  );`;
  return [
    [
      thinking('A test that fails now and then often races with something. I look at what it expects first.'),
      text("I'll look at the test, and then at what it calls."),
      call('Read', { file_path: file('test/checkout.test.js') }),
    ],
    [call('Grep', { pattern: 'reserve', path: file('src'), output_mode: 'content' })],
    [call('Read', { file_path: file('src/checkout.js') })],
    [bash('npm test', 'Run the tests')],
    [
      thinking('`reserve` is asynchronous, and `checkout` puts its promises into the order without waiting.'),
      text('`checkout` never waits for its reservations: the order holds promises. That is the race.'),
      call('Edit', { file_path: file('src/checkout.js'), old_string: before, new_string: after }),
    ],
    [bash('npm test', 'Run the tests again')],
    [text(FIXED)],
  ];
}

const FIXED = `The test is right, and \`checkout()\` was wrong: it confirmed orders **before their stock was reserved**.

| | before | after |
| --- | --- | --- |
| reservations | promises, possibly rejected later | settled values |
| a line that is sold out | confirmed, then an unhandled rejection | the order fails |

\`\`\`js
const reservations = await Promise.all(
  cart.lines.map(async ({ sku, quantity }) => await reserve(sku, quantity)),
);
\`\`\`

All tests pass. One thing I left alone: \`reserve()\` does not give stock back when a later line fails.`;

const MOVE = `## Move sessions to PostgreSQL

1. Add a table \`sessions\` with an index on \`expires_at\`, and a store beside the cookie one.
2. Write to both for a week; read from the cookie.
3. Read from PostgreSQL, fall back to the cookie, and count how often.
4. Remove the cookie store when the count is zero for two days.

**Risk**: sign-in is slower by one query. **Way back**: step 3 is a flag.`;

const questions = [
  {
    question: 'Which prices may be up to a minute old?',
    header: 'Scope',
    multiSelect: true,
    options: [
      { label: 'Product pages', description: 'Most of the traffic' },
      { label: 'Search results', description: 'Many prices at once' },
      { label: 'Cart', description: 'Customers compare it with the product page' },
    ],
  },
  {
    question: 'Where should the cache live?',
    header: 'Place',
    multiSelect: false,
    options: [
      { label: 'In the process', description: 'No new service; each worker has its own' },
      { label: 'Valkey', description: 'Shared by all workers; one more thing to run' },
    ],
  },
];

const STOCK = `原因が分かりました。\`reserve()\` は在庫が足りないと例外を投げますが、同期ジョブはそれを**捕捉していません**。

- 昨夜 23:40 に \`shirt\` の在庫が 0 になりました
- それ以降、ジョブは最初の行で止まっています

修正案: 行ごとに例外を捕捉し、失敗した行だけを再試行キューに入れます。進めてよろしいですか？`;

const RELEASE = `# 2.4

## New

- Carts survive a sign-in: what a guest put in is still there afterwards.
- Search finds products by their maker.
- Orders can be changed for ten minutes after they were placed.

## Mended

- The checkout waited for nothing and confirmed orders that could not be delivered.
- Discounts are rounded as the tax office wants it.

## For those who run it

- PostgreSQL 15 or newer is needed. The migration takes about a minute for a million orders.`;

const REVIEWED = `Three findings, most important first:

1. **No test calls \`discount\`**, so nothing below would have been noticed.
2. Codes are compared as they are typed: \`spring\` gives no discount.
3. Totals are not rounded: 9.99 becomes 8.991.`;
