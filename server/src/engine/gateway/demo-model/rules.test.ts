import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { noteOn } from '../../hold/let-through.ts';
import { readConversation } from './conversation.ts';
import { messagesRequest } from './messages-request.ts';
import { type Block, replyTo } from './rules.ts';

type Message = { role: 'user' | 'assistant' | 'system'; content: unknown };

function user(text: string): Message {
  return { role: 'user', content: [{ type: 'text', text }] };
}

function assistant(text: string): Message {
  return { role: 'assistant', content: [{ type: 'text', text }] };
}

const environment: Message = {
  role: 'system',
  content: '# Environment\n - Primary working directory: /work\n',
};

function replyFor(messages: Message[], tools: string[] = [], more: object = {}) {
  const request = {
    model: 'demo',
    max_tokens: 1_000,
    messages,
    tools: tools.map((name) => ({ name })),
    ...more,
  };
  return replyTo(readConversation(messagesRequest.parse(request)));
}

function textOf(blocks: Block[]): string {
  return blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
}

function answer(...prompts: string[]): string {
  const messages = prompts.flatMap((prompt) => [user(prompt), assistant('…')]).slice(0, -1);
  return textOf(replyFor(messages).blocks);
}

function callsOf(blocks: Block[]) {
  return blocks.flatMap((block) =>
    block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [],
  );
}

/** Goes on until the reply calls no tool; every call succeeds unless `fail` names its tool. */
function converse(prompt: string, tools: string[], fail?: string) {
  const messages = [user(prompt), environment];
  const rounds: ReturnType<typeof callsOf>[] = [];
  for (;;) {
    const { blocks } = replyFor(messages, tools);
    const calls = callsOf(blocks);
    if (calls.length === 0) return { rounds, text: textOf(blocks) };
    rounds.push(calls);
    const ids = calls.map((_, index) => `toolu_${rounds.length}_${index}`);
    messages.push(
      {
        role: 'assistant',
        content: calls.map((call, index) => ({ type: 'tool_use', id: ids[index], ...call })),
      },
      {
        role: 'user',
        content: calls.map((call, index) => ({
          type: 'tool_result',
          tool_use_id: ids[index],
          content: `output of ${call.name}`,
          is_error: call.name === fail,
        })),
      },
    );
  }
}

describe('the demo model in words', () => {
  it('says that it is not Claude, and how to get to Claude', () => {
    for (const prompt of ['Introduce yourself', 'Who are you?', 'are you Claude?', 'help']) {
      assert.match(answer(prompt), /demo model.*not Claude.*ANTHROPIC_API_KEY/);
    }
  });

  it('answers anything, even nothing', () => {
    assert.match(answer('Colourless green ideas'), /You said: Colourless green ideas/);
    assert.match(textOf(replyFor([{ role: 'user', content: [] }]).blocks), /demo model/);
  });

  it('counts, one number a line or with commas', () => {
    assert.equal(answer('Count from 1 to 3'), '1\n2\n3');
    assert.equal(answer('please count slowly up to 4, with commas'), '1, 2, 3, 4');
    assert.equal(answer('count from 7 to 9 and say nothing else'), '7\n8\n9');
    assert.equal(answer('count from 1 to 9,999,999').split('\n').length, 100_000);
  });

  it('calculates, but takes no date for a sum', () => {
    assert.equal(answer('What is 2 + 2?'), '2 + 2 = 4');
    assert.equal(answer('9 / 4'), '9 / 4 = 2.25');
    assert.match(answer('2026-05-01 is a day'), /You said/);
  });

  it('remembers a name, whichever way it is told', () => {
    for (const told of [
      'My name is Ada',
      'I am Ada',
      "I'm Ada and I like tea.",
      'i am ada',
      'Please call me Ada.',
    ]) {
      assert.match(answer(told, 'Say hello', 'What was my name?'), /Your name is Ada\./i, told);
    }
    assert.match(answer('I am Ada.', 'My name is Grace.', 'what is my name?'), /Grace/);
    assert.match(answer('My name is Ada Lovelace and I like tea', 'who am I?'), /is Ada Lovelace\.$/);
    assert.match(answer('I am tired of this', 'what is my name?'), /not told me/);
  });

  it('remembers facts and what it was asked to remember', () => {
    assert.match(answer('My favourite colour is dark blue.', 'What is my favourite colour?'), /dark blue/);
    assert.match(answer('Remember that the code is 4711.', 'What is the code?'), /4711/);
    assert.match(answer('Remember: buy milk', 'what did I tell you?'), /- buy milk/);
    assert.match(answer('The sky is high', '[demo:think] hi', 'what did I say?'), /- The sky is high\n- hi$/);
  });

  it('answers every line of prompts that arrive as one', () => {
    assert.equal(answer('what is 1 + 1?\ncount to 2'), '1 + 1 = 2\n\n1\n2');
  });
});

describe('what the claude program says', () => {
  it('is not taken for the prompt', () => {
    const content = [
      { type: 'text', text: '<system-reminder>\ncount to 9\n</system-reminder>\n' },
      { type: 'text', text: 'count to 2' },
      { type: 'text', text: '[Request interrupted by user]\n' },
      { type: 'text', text: '<local-command-stdout>Compacted </local-command-stdout>' },
    ];
    assert.equal(textOf(replyFor([{ role: 'user', content }, environment]).blocks), '1\n2');
  });

  it('counts as a prompt when it hands on what the user said meanwhile', () => {
    const steering =
      'The user sent a new message while you were working:\ncount to 2\n\nThis is how Claude Code surfaces messages';
    assert.equal(textOf(replyFor([user('hello'), { role: 'system', content: steering }]).blocks), '1\n2');
  });

  it('goes on where the token limit cut the answer off', () => {
    const messages = [
      user('count to 5'),
      assistant('1\n2\n3'),
      user('Output token limit hit. Resume directly'),
    ];
    assert.equal(textOf(replyFor(messages).blocks), '\n4\n5');
  });

  it('gets a summary in the form it asks for, which keeps what the user said', () => {
    const compaction = user('Your task is to create a detailed summary of the conversation: <summary> …');
    const summary = textOf(replyFor([user('I am Ada.'), assistant('Hi'), compaction]).blocks);
    assert.match(summary, /<summary>[\s\S]*I am Ada\.[\s\S]*<\/summary>/);
    const continued = user(`This session is being continued from a previous conversation.\n${summary}`);
    assert.match(textOf(replyFor([continued, assistant('ok'), user('what is my name?')]).blocks), /Ada/);
  });

  it('gets JSON when it asks for a schema', () => {
    const schema = { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] };
    const { blocks } = replyFor([user('A title for this')], [], { output_config: { format: { schema } } });
    assert.deepEqual(JSON.parse(textOf(blocks)), { title: 'A title for this' });
  });

  it('says what it knows of a call where it is told that that was cut off, and does not take it for a prompt', () => {
    const input = { command: 'echo 1' };
    const call: Message = {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input }],
    };
    const cut = [{ type: 'tool_result', tool_use_id: 'toolu_1', is_error: true, content: 'unknown' }];
    const prompt = user('run: echo 1 then run: echo 2');
    const told = [
      { role: 'user' as const, content: cut },
      assistant('No response requested.'),
      user(noteOn([])),
    ];
    const text = textOf(replyFor([prompt, call, ...told], ['Bash']).blocks);
    assert.match(text, /echo 1.*unknown/s);
  });

  it('passes on what a background task reports', () => {
    const notification =
      '<system-reminder><task-notification><status>completed</status><summary>Agent "x" finished</summary><result>All is well</result></task-notification></system-reminder>';
    assert.match(textOf(replyFor([user('hi'), assistant('hi'), user(notification)]).blocks), /All is well/);
  });
});

describe('the demo model with tools', () => {
  it('does the rest of a prompt before it passes on what a background task reports', () => {
    const input = { command: 'echo 1' };
    const call: Message = {
      role: 'assistant',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input }],
    };
    const done = [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'ok' }];
    const report = user(
      '<task-notification><status>stopped</status><summary>It ended</summary></task-notification>',
    );
    const told = [{ role: 'user' as const, content: done }, report];
    const reply = replyFor([user('run: echo 1 then run: echo 2'), call, ...told], ['Bash']);
    assert.equal(callsOf(reply.blocks).length, 1);
  });

  it('runs a command and tells what it gave', () => {
    const { rounds, text } = converse('run: echo hi', ['Bash']);
    assert.deepEqual(
      rounds.map((calls) => calls.map(({ name, input }) => [name, input.command])),
      [[['Bash', 'echo hi']]],
    );
    assert.match(text, /I ran `echo hi`[\s\S]*output of Bash/);
  });

  it('makes calls one after the other for "then" and new lines, side by side for "and also"', () => {
    const { rounds } = converse('run: a\nrun: b and also run: c, then read d.txt', ['Bash', 'Read']);
    assert.deepEqual(
      rounds.map((calls) => calls.map(({ input }) => input.command ?? input.file_path)),
      [['a'], ['b', 'c'], ['/work/d.txt']],
    );
  });

  it('makes the call that is missing, where the conversation has the second of two alone', () => {
    const prompt = 'use Bash {"command": "a"} and also use Bash {"command": "b"}';
    const { id, ...call } = { id: 'toolu_b', type: 'tool_use', name: 'Bash', input: { command: 'b' } };
    const reply = replyFor(
      [
        user(prompt),
        { role: 'assistant', content: [{ id, ...call }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'done' }] },
      ],
      ['Bash'],
    );
    assert.deepEqual(
      callsOf(reply.blocks).map(({ input }) => input.command),
      ['a'],
    );
  });

  it('keeps the lines of a command together', () => {
    const { rounds } = converse('run: cat <<EOF\nline\nEOF', ['Bash']);
    assert.equal(rounds[0]?.[0]?.input.command, 'cat <<EOF\nline\nEOF');
  });

  it('writes files with the content that it was given', () => {
    const cases: [string, string, string][] = [
      ['Create a file a.txt with Hello World', '/work/a.txt', 'Hello World'],
      ['create a new file named "b.txt" with the content \'x y\'', '/work/b.txt', 'x y'],
      ['create a file /tmp/c.txt', '/tmp/c.txt', ''],
      ['write 42 to answer.txt', '/work/answer.txt', '42'],
    ];
    for (const [prompt, file_path, content] of cases) {
      assert.deepEqual(converse(prompt, ['Write']).rounds, [
        [{ name: 'Write', input: { file_path, content } }],
      ]);
    }
  });

  it('takes no person for a file', () => {
    assert.deepEqual(converse('write a letter to Bob', ['Write']).rounds, []);
  });

  it('reads a file before it edits it', () => {
    const { rounds } = converse('edit a.txt replace "x" with y', ['Read', 'Edit']);
    assert.deepEqual(
      rounds.flat().map(({ name, input }) => [name, input.new_string]),
      [
        ['Read', undefined],
        ['Edit', 'y'],
      ],
    );
  });

  it('fetches, asks, plans, delegates and uses any tool by name', () => {
    const tools = ['WebFetch', 'AskUserQuestion', 'ExitPlanMode', 'Agent', 'mcp__a__b'];
    const prompts = [
      'fetch https://example.com.',
      'ask me: Which? red, green or blue',
      'plan: do it',
      'delegate: run: ls',
      'use mcp__a__b {"x": [1]}',
    ];
    const calls = prompts.flatMap((prompt) => converse(prompt, tools).rounds.flat());
    assert.deepEqual(
      calls.map((call) => call.name),
      tools,
    );
    assert.equal(calls[0]?.input.url, 'https://example.com');
    assert.match(JSON.stringify(calls[1]?.input), /"red".*"green".*"blue"/);
    assert.deepEqual(calls[4]?.input, { x: [1] });
  });

  it('asks for one of the choices, or for several where it is asked to', () => {
    const questionOf = (prompt: string) => {
      const [call] = converse(prompt, ['AskUserQuestion']).rounds.flat();
      // biome-ignore lint/suspicious/noExplicitAny: tests look into calls freely
      const [question] = (call?.input.questions ?? []) as any[];
      return [question.options.map(({ label }: { label: string }) => label), question.multiSelect];
    };
    assert.deepEqual(questionOf('ask me: Which? red, green or blue'), [['red', 'green', 'blue'], false]);
    assert.deepEqual(questionOf('ask me: Which? red, green and/or blue'), [['red', 'green', 'blue'], true]);
  });

  it('stops at a call that fails or is denied, and says so', () => {
    const { rounds, text } = converse('run: a and then read b.txt', ['Bash', 'Read'], 'Bash');
    assert.equal(rounds.length, 1);
    assert.match(text, /I could not run `a`[\s\S]*output of Bash[\s\S]*I stopped there/);
  });

  it('says which tool it lacks', () => {
    assert.match(converse('run: ls', ['Read']).text, /does not offer the tool Bash\. Offered tools: Read/);
    assert.match(converse('read a.txt', []).text, /Offered tools: none/);
  });

  it('looks up a tool that the program keeps back, once', () => {
    const deferred: Message = {
      role: 'system',
      content: 'deferred tools are now available via ToolSearch:\nWebFetch',
    };
    const asked = [user('fetch https://example.com'), deferred];
    const [search] = callsOf(replyFor(asked, ['ToolSearch']).blocks);
    assert.deepEqual(search, { name: 'ToolSearch', input: { query: 'select:WebFetch', max_results: 1 } });
    const found: Message[] = [
      ...asked,
      { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', ...search }] },
      {
        role: 'user',
        content: [
          {
            type: 'tool_result',
            tool_use_id: 'toolu_1',
            content: [{ type: 'tool_reference', tool_name: 'WebFetch' }],
          },
          { type: 'text', text: 'Tool loaded.' },
        ],
      },
    ];
    assert.equal(callsOf(replyFor(found, ['ToolSearch', 'WebFetch']).blocks)[0]?.name, 'WebFetch');
    assert.match(textOf(replyFor(found, ['ToolSearch']).blocks), /does not offer/);
  });
});

describe('directives', () => {
  it('ask for faults, and leave the rest of the prompt as it was', () => {
    const { blocks, fault } = replyFor([user('[demo:error 529 x2 retry-after 3] count to 2')]);
    assert.deepEqual(fault, { kind: 'error', status: 529, times: 2, retryAfterSeconds: 3 });
    assert.equal(textOf(blocks), '1\n2');
  });

  it('hold for the latest prompt alone', () => {
    assert.equal(replyFor([user('[demo:hang]'), assistant('…'), user('hi')]).fault, undefined);
  });

  it('set the pace, the thinking and the very words', () => {
    const reply = replyFor([user('[demo:slow 5] [demo:think] [demo:say run: exactly this]')], ['Bash']);
    assert.equal(reply.tokensPerSecond, 5);
    assert.deepEqual(
      reply.blocks.map((block) => block.type),
      ['thinking', 'text'],
    );
    assert.equal(textOf(reply.blocks), 'run: exactly this');
  });
});
