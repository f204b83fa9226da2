import { assistant, call, type Message, says } from './hostile-events.ts';

/*
 * Far too much of anything that an agent can say, each by the name of what there is too much of. A call that failed opens
 * by itself: so its whole body is shown, not its line alone.
 */

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const failed = (name: string, input: unknown, output: unknown = 'refused', details?: unknown): Message[] =>
  call(name, input, { output, details, isError: true });

const done = (name: string, input: unknown, output: unknown, details?: unknown): Message[] =>
  call(name, input, { output, details });

const nested = (depth: number): unknown => {
  let value: unknown = 'the innermost';
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { value };
  return value;
};

const ACCENTS = '\u0301\u0302\u0316\u0489\u035c';
const accented = `a${ACCENTS.repeat(100_000)}`;
const lessAccented = accented.slice(0, 60_000);

export const HOSTILE_AMOUNTS: Readonly<Record<string, () => Message[]>> = {
  'options of questions': () => {
    const options = many(5_000, (index) => ({ label: `option ${index}`, description: 'one of many' }));
    const questions = many(50, (index) => ({ question: `question ${index}?`, header: 'h', options }));
    const answers = Object.fromEntries(questions.map(({ question }) => [question, 'option 1, option 4999']));
    return [
      ...failed('AskUserQuestion', { questions }),
      ...done('AskUserQuestion', { questions: questions.slice(0, 2) }, 'answered', { answers }),
    ];
  },
  edits: () => {
    const edits = many(20_000, (index) => ({ old_string: `old ${index}`, new_string: `new ${index}` }));
    return failed('MultiEdit', { file_path: 'src/a.ts', edits });
  },
  'edits of two long texts': () => {
    const lines = (word: string): string => many(60_000, (index) => `${word} ${index % 7}`).join('\n');
    return failed('Edit', { file_path: 'src/a.ts', old_string: lines('old'), new_string: lines('new') });
  },
  'hunks of a patch': () => {
    const structuredPatch = many(20_000, (index) => ({
      oldStart: index * 10 + 1,
      newStart: index * 10 + 1,
      lines: [' a', '-b', '+c', ' d'],
    }));
    return failed('Edit', { file_path: 'src/a.ts', old_string: 'b', new_string: 'c' }, 'x', {
      structuredPatch,
    });
  },
  todos: () => {
    const todos = many(20_000, (index) => ({ content: `step ${index}`, status: 'pending' }));
    return [
      ...failed('TodoWrite', { todos }),
      ...done('TodoWrite', { todos: todos.map((todo) => ({ ...todo, status: 'completed' })) }, 'kept'),
    ];
  },
  'rows of a table': () => [says(`| a | b | c |\n| --- | --- | --- |\n${'| 1 | 2 | 3 |\n'.repeat(10_000)}`)],
  'columns of a table': () => [
    says(`${'|a'.repeat(8_000)}|\n${'|-'.repeat(8_000)}|\n${'|b\n'.repeat(8_000)}`),
  ],
  'combining marks': () => [
    says(accented),
    says(`\`\`\`\n${accented}\n\`\`\``),
    ...failed('Bash', { command: lessAccented, description: lessAccented }, lessAccented),
    ...failed('TodoWrite', { todos: [{ content: lessAccented, status: 'pending' }] }),
    ...failed('AskUserQuestion', {
      questions: [{ question: lessAccented, options: [{ label: lessAccented }] }],
    }),
    ...failed(lessAccented, { [lessAccented]: lessAccented }),
    ...done('Grep', { pattern: lessAccented }, lessAccented),
    assistant([{ type: 'thinking', thinking: lessAccented }]),
  ],
  'quotes within quotes': () => [says(`${'> '.repeat(5_000)}deep`), says(`${'>'.repeat(5_000)}deep`)],
  'emphasis that never ends': () => [
    says('*a '.repeat(30_000)),
    says('*a **b _c '.repeat(10_000)),
    says('_a_b'.repeat(15_000)),
    says('~a '.repeat(30_000)),
  ],
  'lists within lists': () => [
    says(`${'- '.repeat(5_000)}deep`),
    says(many(1_000, (depth) => `${' '.repeat(depth * 2)}- deep`).join('\n')),
    says(
      many(38, (depth) => `${'  '.repeat(depth)}- deep`)
        .join('\n')
        .concat('\n')
        .repeat(100),
    ),
  ],
  'marks of links': () => [
    says('['.repeat(50_000)),
    says('[a]('.repeat(15_000)),
    says('![a]('.repeat(12_000)),
    says('[a](b '.repeat(10_000)),
    says('[a][b]'.repeat(10_000)),
    says(`${'[a]: b\n'.repeat(1_400)}${'[a]\n\n'.repeat(100)}`),
    says(
      `${many(700, (index) => `[^${index}]: note`).join('\n\n')}\n\n${many(700, (index) => `[^${index}]`).join(' ')}`,
    ),
    says('http://a.example/ '.repeat(3_300)),
    says('a@b.example '.repeat(5_000)),
    says('www.'.repeat(15_000)),
    says('<a '.repeat(20_000)),
    says('<!--'.repeat(15_000)),
  ],
  'marks of code': () => [
    says('`'.repeat(60_000)),
    says(many(340, (index) => '`'.repeat(index + 1)).join(' ')),
    says('`a` '.repeat(15_000)),
    says('```\na\n```\n\n'.repeat(4_000)),
    says(`\`\`\`ts\n${'const a = { b: [1, "two"] };\n'.repeat(50_000)}`),
  ],
  'marks in lines that count by themselves': () => [
    says('- *a* **b** `c` [d](e)\n'.repeat(20_000)),
    says('# a\n'.repeat(20_000)),
    says('***\n'.repeat(20_000)),
    says('a\n\n'.repeat(50_000)),
    says('a  \n'.repeat(50_000)),
    says('&amp;'.repeat(12_000)),
    says('\\*'.repeat(30_000)),
    says('- [ ] a\n'.repeat(20_000)),
    says('1. a\n'.repeat(20_000)),
    says('$$'.repeat(30_000)),
    says('|'.repeat(60_000)),
    says(`a\n${'-'.repeat(60_000)}`),
    says(' '.repeat(60_000)),
    says('\t'.repeat(60_000)),
    says('\n'.repeat(60_000)),
    says('- \n'.repeat(20_000)),
    says(`${'- a\n\n'.repeat(700)}    ${'b\n    '.repeat(700)}`),
  ],
  'letters of text': () => [
    says('word '.repeat(1_000_000)),
    says('x'.repeat(1_000_000)),
    says('🎉'.repeat(100_000)),
    assistant([{ type: 'thinking', thinking: 'thought '.repeat(100_000) }]),
  ],
  'characters that are not seen': () => [
    says('\u200b'.repeat(500_000)),
    says('\u202e\u2066'.repeat(250_000)),
    ...failed('Bash', { command: '\u200b'.repeat(500_000) }, '\u202e'.repeat(500_000)),
    ...failed('Write', { file_path: '\u200b'.repeat(100_000), content: '\u200b\n'.repeat(100_000) }),
  ],
  'output of a tool': () => [
    ...failed('Bash', { command: 'one line' }, 'x'.repeat(5_000_000)),
    ...failed('Bash', { command: 'lines' }, 'a line of output\n'.repeat(100_000)),
    ...failed('Bash', { command: 'empty lines' }, '\n'.repeat(500_000)),
    ...done('Bash', { command: 'x '.repeat(200_000) }, 'x'.repeat(1_000_000), {
      stdout: 'x\n'.repeat(300_000),
      stderr: 'y'.repeat(1_000_000),
    }),
    ...done('Read', { file_path: 'a.txt' }, 'z\n'.repeat(300_000)),
  ],
  'colours of a terminal': () => [
    ...failed('Bash', { command: 'colours' }, '\u001b[31ma\u001b[0m'.repeat(60_000)),
    ...failed('Bash', { command: 'unfinished' }, '\u001b]'.repeat(100_000)),
    ...failed('Bash', { command: 'written over' }, 'a\r'.repeat(200_000)),
  ],
  'parts of an output': () => [
    ...failed(
      'mcp__a__b',
      {},
      many(20_000, (index) => ({ type: 'text', text: `part ${index}` })),
    ),
    ...failed(
      'mcp__a__b',
      {},
      many(20_000, () => ({ type: 'image', data: 'x' })),
    ),
  ],
  'levels and fields of an input': () => [
    ...failed('mcp__a__b', { deep: nested(3_000) }),
    ...failed('mcp__a__b', Object.fromEntries(many(100_000, (index) => [`field ${index}`, index]))),
    ...failed('mcp__a__b', { list: many(200_000, (index) => index) }),
    ...failed('mcp__a__b', { text: 'x'.repeat(1_000_000) }, `[${'['.repeat(100_000)}`),
    ...failed('mcp__a__b', {}, `[${'1,'.repeat(200_000)}1]`),
  ],
  matches: () => [
    ...done('Grep', { pattern: 'x' }, 'found', {
      content: many(200_000, (index) => `src/a.ts:${index}:x`).join('\n'),
      numMatches: 200_000,
    }),
    ...done('Glob', { pattern: 'x' }, 'found', { filenames: many(100_000, (index) => `src/${index}.ts`) }),
    ...done('WebSearch', { query: 'x' }, 'found', {
      results: [
        { content: many(20_000, (index) => ({ title: `page ${index}`, url: 'https://a.example/' })) },
      ],
    }),
  ],
  'letters of names': () => [
    ...failed('N'.repeat(1_000_000), {}),
    ...failed(`mcp__${'_'.repeat(500_000)}`, {}),
    ...failed('Read', { file_path: `/${'a/'.repeat(500_000)}` }),
    ...failed('WebFetch', {
      url: `https://a.example/${'b'.repeat(1_000_000)}`,
      prompt: 'p'.repeat(1_000_000),
    }),
    ...failed('Agent', { description: 'd'.repeat(1_000_000), prompt: '> '.repeat(100_000) }),
    ...failed('ExitPlanMode', { plan: `${'#'.repeat(500_000)}\n${'- '.repeat(200_000)}` }),
  ],
  'blocks of a message': () => [
    assistant(many(20_000, (index) => ({ type: 'text', text: `block ${index}` }))),
    assistant(
      many(5_000, (index) => ({ type: 'tool_use', id: `toolu_block_${index}`, name: 'Bash', input: {} })),
    ),
  ],
  subagents: () => [
    assistant(
      many(3_000, (index) => ({
        type: 'tool_use',
        id: `toolu_agent_${index}`,
        name: 'Agent',
        input: { description: `agent ${index}`, prompt: 'go' },
      })),
    ),
    assistant(
      many(3_000, (index) => ({
        type: 'tool_use',
        id: `toolu_child_${index}`,
        name: 'Agent',
        input: { description: `child ${index}`, prompt: 'go' },
      })),
      'toolu_agent_2999',
    ),
  ],
};
