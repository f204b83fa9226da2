import { isAbsolute, join } from 'node:path';

/** One tool call that a prompt asks for. */
export type Step = {
  tool: string;
  input: Record<string, unknown>;
  /** What is about to happen, as in "I'll run `ls`", */
  intent: string;
  /** and what has happened, as in "I ran `ls`". */
  outcome: string;
};

const verb = String.raw`(?:(?:please|now|first)\s+)?(?:run\b|read\b|create\b|write\b|edit\b|fetch\b|list the\b|(?:use|call)\b|delegate:|ask me:|plan:)`;
const nextRound = new RegExp(String.raw`\n(?=[^\S\n]*${verb})|[,;.]?\s(?:and\s)?then\s(?=${verb})`, 'i');
const sameRound = new RegExp(String.raw`\sand also\s(?=${verb})`, 'i');
const file = String.raw`["'“‘\x60]?([^\s"'“”‘’\x60]+?)["'”’\x60]?`;

const createFile = new RegExp(
  String.raw`\b(?:create|write|make)\s+(?:(?:a|an|the|new|text|empty)\s+)*file\s+(?:(?:called|named)\s+)?${file}[.!]?(?:\s+(?:with|containing|that says)\s+(?:(?:the|content|contents|text)\s+)*:?\s*([\s\S]+))?$`,
  'i',
);
/** Only into what looks like a path: one may also write a letter to Bob. */
const writeInto = new RegExp(
  String.raw`^(?:please\s+)?write\s+([\s\S]+?)\s+(?:in)?to\s+(?:(?:a|the|new|file)\s+)*(?=\S*[./]\S)${file}[.!]?$`,
  'i',
);
const editFile = new RegExp(
  String.raw`^(?:please\s+)?(?:edit|in)\s+(?:the\s+)?(?:file\s+)?${file}[:,]?\s+(?:and\s+)?replace\s+([\s\S]+?)\s+(?:with|by)\s+([\s\S]+)$`,
  'i',
);
const readFile = new RegExp(
  String.raw`^(?:(?:please|now|first|can you|could you)\s+)*(?:read|show me)\s+(?:the\s+)?(?:contents? of\s+)?(?:the\s+)?(?:file\s+)?${file}[.!?]?$`,
  'i',
);

export type Task = {
  /** The calls of one round go out in the same message. */
  rounds: Step[][];
  /** What the prompt says besides. */
  rest: string;
};

/** The tool calls that a prompt asks for. "then" and a new line begin a round, "and also" adds to one. */
export function readTask(prompt: string, cwd: string | undefined): Task {
  const rounds = prompt
    .split(nextRound)
    .map((round) =>
      round.split(sameRound).map((clause) => ({ clause, steps: stepsOfClause(clause.trim(), cwd) })),
    );
  return {
    rounds: rounds.flatMap((clauses) => interleave(clauses.map(({ steps }) => steps))),
    rest: rounds
      .flat()
      .flatMap(({ clause, steps }) => (steps.length === 0 ? clause : []))
      .join('\n'),
  };
}

/** A clause may take several rounds (an edit reads first), so clauses side by side advance together. */
function interleave(clauses: Step[][]): Step[][] {
  const length = Math.max(...clauses.map((steps) => steps.length));
  return Array.from({ length }, (_, round) => clauses.flatMap((steps) => steps[round] ?? []));
}

function stepsOfClause(clause: string, cwd: string | undefined): Step[] {
  const path = (name: string) => (isAbsolute(name) || cwd === undefined ? name : join(cwd, name));
  return (
    delegateStep(clause) ??
    askStep(clause) ??
    planStep(clause) ??
    anyToolStep(clause) ??
    runStep(clause) ??
    fetchStep(clause) ??
    writeStep(clause, path) ??
    editSteps(clause, path) ??
    readStep(clause, path) ??
    []
  );
}

type ResolvePath = (name: string) => string;

function runStep(clause: string): Step[] | undefined {
  const command =
    /\brun:\s*([\s\S]+)/i.exec(clause)?.[1] ??
    /\brun\b[^`\n]{0,80}`([^`]+)`/i.exec(clause)?.[1] ??
    (/^list the files\b/i.test(clause) ? 'ls -la' : undefined);
  if (command === undefined) return undefined;
  const bare = command.trim().replace(/^`+([\s\S]*?)`+\.?$/, '$1');
  return [
    {
      tool: 'Bash',
      input: { command: bare, description: 'Run the command from the prompt' },
      intent: `run \`${bare}\``,
      outcome: `ran \`${bare}\``,
    },
  ];
}

function anyToolStep(clause: string): Step[] | undefined {
  const match =
    /^(?:please\s+)?(?:use|call)\s+(?:the\s+)?(?:tool\s+)?([\w-]+)(?:\s+tool)?(?:\s+with)?:?\s*(\{[\s\S]*\})/i.exec(
      clause,
    );
  const input = match?.[2] === undefined ? undefined : parseObject(match[2]);
  return input && match?.[1]
    ? [{ tool: match[1], input, intent: `use the tool ${match[1]}`, outcome: `used the tool ${match[1]}` }]
    : undefined;
}

function fetchStep(clause: string): Step[] | undefined {
  const url = /\bfetch\b.{0,80}?(https?:\/\/[^\s<>"'`]+)/i.exec(clause)?.[1]?.replace(/[.,;]$/, '');
  return url
    ? [
        {
          tool: 'WebFetch',
          input: { url, prompt: 'What does this page say?' },
          intent: `fetch ${url}`,
          outcome: `fetched ${url}`,
        },
      ]
    : undefined;
}

function writeStep(clause: string, path: ResolvePath): Step[] | undefined {
  const named = createFile.exec(clause);
  const into = named ? null : writeInto.exec(clause);
  const name = named?.[1] ?? into?.[2];
  if (name === undefined) return undefined;
  const input = { file_path: path(name), content: unquote(named?.[2] ?? into?.[1] ?? '') };
  return [{ tool: 'Write', input, intent: `create ${name}`, outcome: `created ${name}` }];
}

function editSteps(clause: string, path: ResolvePath): Step[] | undefined {
  const match = editFile.exec(clause);
  if (!match) return undefined;
  const [, name = '', before = '', after = ''] = match;
  const file_path = path(name);
  return [
    { tool: 'Read', input: { file_path }, intent: `read ${name} before I edit it`, outcome: `read ${name}` },
    {
      tool: 'Edit',
      input: { file_path, old_string: unquote(before), new_string: unquote(after) },
      intent: `edit ${name}`,
      outcome: `edited ${name}`,
    },
  ];
}

function readStep(clause: string, path: ResolvePath): Step[] | undefined {
  const name = readFile.exec(clause)?.[1];
  return name === undefined
    ? undefined
    : [{ tool: 'Read', input: { file_path: path(name) }, intent: `read ${name}`, outcome: `read ${name}` }];
}

function delegateStep(clause: string): Step[] | undefined {
  const prompt = /^delegate:\s*([\s\S]+)/i.exec(clause)?.[1];
  const input = { description: 'Delegated task', prompt, subagent_type: 'general-purpose' };
  return prompt === undefined
    ? undefined
    : [{ tool: 'Agent', input, intent: 'hand this to a subagent', outcome: 'handed this to a subagent' }];
}

function askStep(clause: string): Step[] | undefined {
  const match = /^ask me:\s*([^?]+\?)\s*([\s\S]*)/i.exec(clause);
  if (!match) return undefined;
  const [, question = '', choices = ''] = match;
  const labels = choices
    .replace(/[.!]$/, '')
    .split(/,|\band\/or\b|\bor\b/i)
    .map((label) => label.trim())
    .filter((label) => label !== '');
  const options = (labels.length >= 2 ? labels.slice(0, 4) : ['Yes', 'No']).map((label) => ({
    label,
    description: label,
  }));
  const multiSelect = /\band\/or\b/i.test(choices);
  const questions = [{ question, header: 'Question', options, multiSelect }];
  return [{ tool: 'AskUserQuestion', input: { questions }, intent: 'ask you', outcome: 'asked you' }];
}

function planStep(clause: string): Step[] | undefined {
  const plan = /^plan:\s*([\s\S]+)/i.exec(clause)?.[1];
  return plan === undefined
    ? undefined
    : [
        {
          tool: 'ExitPlanMode',
          input: { plan },
          intent: 'show you this plan',
          outcome: 'showed you the plan',
        },
      ];
}

function unquote(text: string): string {
  const trimmed = text.trim();
  return /^(["'“‘`])([\s\S]*)["'”’`][.!]?$/.exec(trimmed)?.[2] ?? trimmed;
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
