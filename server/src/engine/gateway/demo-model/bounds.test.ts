import assert from 'node:assert/strict';
import { it } from 'node:test';
import { readConversation } from './conversation.ts';
import { messagesRequest } from './messages-request.ts';
import { replyTo } from './rules.ts';

/** What the rules look for, and its beginnings. */
const parts = [
  ...['what ', 'what is my ', 'what is my a', 'who am i ', 'my name ', 'my ', 'my a is b. ', 'the a a a '],
  ...[
    'I am A ',
    'I am A B C ',
    'my name is A ',
    'remember ',
    'remember that ',
    'count ',
    'count a a a ',
    'count 1 to ',
  ],
  ...[
    '[demo:',
    '[demo:error ',
    '[demo:think]',
    '[demo:say a] ',
    '<system-reminder>',
    '<system-reminder></system-reminder>',
  ],
  ...['The user sent a new message while you were working:\n', 'create a detailed summary of ', '<summary>'],
  ...['<task-notification>', '<status>', '<result>', 'working directory: ', 'The report follows:\n'],
  ...[
    'use ',
    'use x {',
    'use x {"a":1} then ',
    'run',
    'run `',
    'run: a\n',
    'run: a then ',
    'run: a and also ',
  ],
  ...[
    'edit a replace ',
    'edit a replace b with ',
    'create ',
    'create a a new ',
    'create a file a with ',
    'write a to a/b ',
  ],
  ...[
    'read ',
    'read the the ',
    'fetch ',
    'fetch http://a ',
    'delegate: ',
    'ask me: a? ',
    'plan: ',
    'please ',
  ],
  ...[' ', '\n', '?', 'a', 'ä', '😀', '\ud800', '"', '`', '{"a":', '1 + ', '1,', 'to ', 'with ', 'or '],
];
const LENGTH = 300_000;
const MOST_CPU_SECONDS = 1;

it('takes no longer than its length asks for, whatever a conversation is made of', () => {
  const tools = ['Bash', 'Read', 'Write', 'x'].map((name) => ({ name, input_schema: {} }));
  for (const part of parts) {
    const text = part.repeat(LENGTH / part.length);
    const call = { type: 'tool_use', id: 'a', name: 'Bash', input: {} };
    const result = { type: 'tool_result', tool_use_id: 'a', content: text };
    const conversations: { role: string; content: unknown }[][] = [
      [{ role: 'user', content: text }],
      [text, 'a', 'what did I tell you?'].map((content, at) => ({
        role: at === 1 ? 'assistant' : 'user',
        content,
      })),
      [
        { role: 'user', content: 'run: a' },
        { role: 'system', content: text },
        { role: 'assistant', content: [call] },
        { role: 'user', content: [result] },
      ],
    ];
    for (const [at, messages] of conversations.entries()) {
      const before = process.cpuUsage();
      replyTo(readConversation(messagesRequest.parse({ model: 'demo', max_tokens: 1, messages, tools })));
      const { user } = process.cpuUsage(before);
      assert.ok(user < MOST_CPU_SECONDS * 1e6, `${JSON.stringify(part)}, conversation ${at}: ${user} µs`);
    }
  }
});
