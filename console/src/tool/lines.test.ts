import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeDiff } from './file-diff.ts';
import { readLine } from './lines.ts';
import { oddValues, testCall } from './test-call.ts';

const outcomesOf = (call: Parameters<typeof readLine>[0]): string[] =>
  readLine(call).outcomes.map(({ key, values }) => [key, ...Object.values(values ?? {})].join(' '));

const edits = Array.from({ length: 20_000 }, (_, index) => ({ old_string: '', new_string: `${index}` }));

it('an edit of far too many pieces says how many its line does not count', () => {
  const call = testCall({ name: 'MultiEdit', input: { file_path: 'a.ts', edits } });
  assert.deepEqual(outcomesOf(call), ['tool.added 500', 'tool.otherEdits 19500']);
  assert.equal(makeDiff(call, 20_000).otherEdits, 0);
  assert.equal(makeDiff(call, 20_000).added, 20_000);
});

const NAMES = [
  'Bash',
  'Edit',
  'MultiEdit',
  'Write',
  'NotebookEdit',
  'Read',
  'Grep',
  'Glob',
  'TodoWrite',
  'TaskCreate',
  'TaskUpdate',
  'TaskList',
  'ExitPlanMode',
  'AskUserQuestion',
  'WebFetch',
  'WebSearch',
  'Agent',
  'Task',
  'Skill',
  'TaskStop',
  'mcp__github__search',
  'mcp__client__ask',
  'constructor',
  '__proto__',
  '',
];

describe('the line of a call', () => {
  it('of Bash is its command, and how it ended', () => {
    const call = testCall({
      input: { command: 'npm test\n&& echo ok' },
      state: 'failed',
      output: 'Exit code 3\nboom',
    });
    assert.deepEqual(readLine(call), {
      verb: null,
      subject: 'npm test && echo ok',
      isCode: true,
      outcomes: [{ key: 'tool.exit', values: { code: '3' }, tone: 'danger' }],
    });
    assert.deepEqual(outcomesOf(testCall({ output: 'Exit code 3' })), []);
    assert.deepEqual(outcomesOf(testCall({ details: { backgroundTaskId: 'b1' } })), ['tool.background b1']);
    assert.deepEqual(outcomesOf(testCall({ details: { interrupted: true } })), ['tool.interrupted']);
  });

  it('of a change is the path in the workspace, and how many lines', () => {
    const structuredPatch = [{ oldStart: 1, newStart: 1, lines: ['-a', '-b', '+c', ' d'] }];
    const edit = testCall({
      name: 'Edit',
      input: { file_path: '/workspace/src/a.ts' },
      details: { structuredPatch },
    });
    assert.equal(readLine(edit).subject, 'src/a.ts');
    assert.deepEqual(outcomesOf(edit), ['tool.added 1', 'tool.removed 2']);
    const write = testCall({
      name: 'Write',
      input: { file_path: '/w/a', content: 'a\nb\n' },
      details: { type: 'create', structuredPatch: [], originalFile: null },
    });
    assert.deepEqual(outcomesOf(write), ['tool.created', 'tool.added 2']);
  });

  it('of a change that did not happen counts nothing', () => {
    const input = { file_path: '/a', old_string: 'x', new_string: 'y' };
    assert.deepEqual(outcomesOf(testCall({ name: 'Edit', input, state: 'failed', output: 'no' })), []);
  });

  it('of what is read or found says how much', () => {
    const file = { numLines: 10, totalLines: 200, startLine: 1, content: '' };
    assert.deepEqual(outcomesOf(testCall({ name: 'Read', details: { type: 'text', file } })), [
      'tool.linesOf 10 200',
    ]);
    assert.deepEqual(outcomesOf(testCall({ name: 'Read', details: { type: 'image', file: {} } })), [
      'tool.image',
    ]);
    const grep = { mode: 'content', numFiles: 0, filenames: [], content: 'a:1:x', numLines: 1 };
    assert.deepEqual(outcomesOf(testCall({ name: 'Grep', details: grep })), ['tool.matches 1']);
    assert.deepEqual(outcomesOf(testCall({ name: 'Glob', details: { numFiles: 3, truncated: true } })), [
      'tool.files 3',
      'tool.truncated',
    ]);
  });

  it('of a list says what is being done', () => {
    const todos = [
      { content: 'A', status: 'completed' },
      { content: 'B', status: 'in_progress' },
    ];
    const call = testCall({ name: 'TodoWrite', input: { todos } });
    assert.equal(readLine(call).subject, 'B');
    assert.deepEqual(outcomesOf(call), ['tool.doneOf 1 2']);
  });

  it('of questions has the answers', () => {
    const input = { questions: [{ question: 'Which?', options: [{ label: 'A' }, { label: 'B' }] }] };
    const call = testCall({ name: 'AskUserQuestion', input, details: { answers: { 'Which?': 'A, B' } } });
    assert.equal(readLine(call).subject, 'Which? → A, B');
  });

  it('of an MCP tool names its server', () => {
    const call = testCall({ name: 'mcp__my__server__find', input: { query: 'x' } });
    assert.equal(readLine(call).subject, 'my · server__find: x');
  });

  it('is there while the input is still being written', () => {
    const call = testCall({
      state: 'writing',
      input: null,
      inputText: '{"command":"npm run \\"te',
      output: null,
    });
    assert.equal(readLine(call).subject, 'npm run "te');
  });

  it('is short, whatever the input is', () => {
    assert.ok(readLine(testCall({ input: { command: 'x'.repeat(5_000_000) } })).subject.length < 500);
  });

  it('comes of inputs, outputs and details of any shape', () => {
    const keys = [
      'command',
      'file_path',
      'content',
      'old_string',
      'edits',
      'pattern',
      'todos',
      'questions',
      'plan',
      'url',
      'query',
      'structuredPatch',
      'file',
      'filenames',
      'results',
      'answers',
      'tasks',
      'task',
      'stdout',
      'newTodos',
      'originalFile',
    ];
    for (const name of NAMES) {
      for (const value of oddValues) {
        const odd = Object.fromEntries(keys.map((key) => [key, value]));
        const output = Array.isArray(value) ? value : null;
        for (const details of [value, odd]) {
          const call = testCall({ name, input: odd, details, output });
          assert.equal(typeof readLine(call).subject, 'string', `${name} ${String(JSON.stringify(value))}`);
        }
      }
    }
  });
});
