import { countLines, oneLine } from '../content/bounds.ts';
import type { WordKey } from '../i18n/words.ts';
import type { ToolCall } from '../log/item.ts';
import { fieldsOf, listOf, numberOf, textOf } from '../util/shapes.ts';
import { readChecklist } from './checklist.ts';
import { exitCodeOf } from './exit-code.ts';
import { type FileDiff, fileDiffOf } from './file-diff.ts';
import { outputText } from './output.ts';
import { knownInput } from './partial-input.ts';
import { readQuestions } from './questions.ts';
import { type CallFields, count, note, type Outcome, type ReadLine, type ToolLine } from './tool-line.ts';
import { readToolName } from './tool-name.ts';

/*
 * What the line of each kind of tool says. None of it may throw: what is missing is left out.
 */

/** What a call is about, by the names of its tool; `null` for tools that are not known. */
export function readLine(call: ToolCall): ToolLine {
  const read = Object.hasOwn(lines, call.name) ? lines[call.name] : undefined;
  return (read ?? otherLine)({ call, input: knownInput(call), details: fieldsOf(call.details) });
}

function line(verb: WordKey | null, subject: unknown, outcomes: Outcome[], isCode = true): ToolLine {
  return { verb, subject: oneLine(textOf(subject)), isCode, outcomes };
}

const bashLine: ReadLine = ({ call, input, details }) =>
  line(null, input.command, bashOutcomes(call, details));

function bashOutcomes(call: ToolCall, details: CallFields['details']): Outcome[] {
  const code = exitCodeOf(call);
  const id = textOf(details.backgroundTaskId);
  return [
    ...(code === null ? [] : [{ key: 'tool.exit', values: { code: String(code) }, tone: 'danger' } as const]),
    ...(id === '' ? [] : [{ key: 'tool.background', values: { id: oneLine(id, 40) } } as const]),
    ...(details.interrupted === true ? [note('tool.interrupted')] : []),
    ...(numberOf(details.timedOutAfterMs) === null ? [] : [note('tool.timedOut')]),
  ];
}

function changeLine(verb: WordKey): ReadLine {
  return ({ call, input }) => {
    const diff = call.input === null ? null : fileDiffOf(call);
    const path = input.file_path ?? input.notebook_path;
    return line(verb, pathText(path), diff === null || call.state === 'failed' ? [] : changeOutcomes(diff));
  };
}

/** As it is in the workspace, where isolation mounts it. */
function pathText(path: unknown): string {
  return textOf(path).replace(/^\/workspace\/(?=.)/, '');
}

function changeOutcomes({ change, added, removed, otherEdits }: FileDiff): Outcome[] {
  return [
    ...(change === 'created' ? [note('tool.created')] : []),
    ...(added > 0 ? [{ key: 'tool.added', values: { count: added }, tone: 'added' } as const] : []),
    ...(removed > 0 ? [{ key: 'tool.removed', values: { count: removed }, tone: 'removed' } as const] : []),
    ...count('tool.otherEdits', otherEdits || null),
  ];
}

const readFileLine: ReadLine = ({ input, details }) => {
  const file = fieldsOf(details.file);
  const [lines, total] = [numberOf(file.numLines), numberOf(file.totalLines)];
  if (details.type === 'image')
    return line('tool.verb.read', pathText(input.file_path), [note('tool.image')]);
  if (details.type === 'pdf') return line('tool.verb.read', pathText(input.file_path), [note('tool.pdf')]);
  if (details.type === 'notebook')
    return line('tool.verb.read', pathText(input.file_path), [note('tool.notebook')]);
  const pages = details.type === 'parts' ? count('tool.pages', numberOf(file.count)) : [];
  const isPart = lines !== null && total !== null && lines < total;
  const extent: Outcome[] = isPart
    ? [{ key: 'tool.linesOf', values: { count: lines, total } }]
    : count('tool.lines', lines);
  return line('tool.verb.read', pathText(input.file_path), [...pages, ...extent]);
};

const grepLine: ReadLine = ({ input, details }) => {
  const found = count('tool.matches', numberOf(details.numMatches) ?? numberOf(details.numLines));
  const files = count('tool.files', numberOf(details.numFiles) || null);
  return line(
    'tool.verb.grep',
    within(input.pattern, input.path ?? input.glob),
    found.length > 0 ? found : files,
  );
};

const globLine: ReadLine = ({ input, details }) =>
  line('tool.verb.glob', within(input.pattern, input.path), [
    ...count('tool.files', numberOf(details.totalMatches) ?? numberOf(details.numFiles)),
    ...(details.truncated === true ? [note('tool.truncated')] : []),
  ]);

function within(pattern: unknown, place: unknown): string {
  return textOf(place) === '' ? textOf(pattern) : `${textOf(pattern)} · ${pathText(place)}`;
}

const checklistLine: ReadLine = ({ call, input }) => {
  const steps = readChecklist(call);
  const done = steps.filter(({ state }) => state === 'completed').length;
  const current = steps.find(({ state }) => state === 'in_progress')?.text;
  const subject = textOf(input.subject) || current || (steps.length === 1 ? steps[0]?.text : '');
  const outcomes: Outcome[] =
    steps.length > 1 ? [{ key: 'tool.doneOf', values: { done, total: steps.length } }] : [];
  return line('tool.verb.todo', subject, outcomes, false);
};

const planLine: ReadLine = ({ input }) => line('tool.verb.plan', planTitle(textOf(input.plan)), [], false);

function planTitle(plan: string): string {
  return /^#*\s*(.+)$/m.exec(plan.slice(0, 2_000))?.[1] ?? '';
}

const questionLine: ReadLine = ({ call }) => {
  const questions = readQuestions(call);
  const answers = questions.flatMap(({ answer }) => (answer === null ? [] : [answer]));
  const asked = questions.map(({ question }) => question).join(' ');
  return line(
    'tool.verb.question',
    answers.length === 0 ? asked : `${asked} → ${answers.join('; ')}`,
    [],
    false,
  );
};

const fetchLine: ReadLine = ({ input, details }) => {
  const code = numberOf(details.code);
  return line(
    'tool.verb.fetch',
    input.url,
    code === null ? [] : [{ key: 'tool.status', values: { code: String(code) } }],
  );
};

const searchLine: ReadLine = ({ input, details }) => {
  const results = listOf(details.results).flatMap((result) => listOf(fieldsOf(result).content));
  return line(
    'tool.verb.search',
    input.query,
    results.length === 0 ? [] : count('tool.results', results.length),
    false,
  );
};

const agentLine: ReadLine = ({ input, details }) =>
  line(
    'tool.verb.agent',
    textOf(input.description) || textOf(input.prompt),
    [
      ...(details.status === 'async_launched' ? [note('tool.agentStarted')] : []),
      ...count('tool.toolUses', numberOf(details.totalToolUseCount) || null),
    ],
    false,
  );

/** Of MCP, of the caller, and of what came after this was written: the first text of its input says most. */
const otherLine: ReadLine = ({ call, input }) => {
  const texts = Object.values(input).filter((value) => typeof value === 'string');
  const { server, tool } = readToolName(call.name);
  const name = server === null ? tool : `${server} · ${tool}`;
  const about = typeof texts[0] === 'string' ? `: ${texts[0]}` : '';
  const lines = call.state === 'done' ? countLines(outputText(call.output)) : 0;
  return line(null, `${name}${about}`, lines > 1 ? count('tool.lines', lines) : []);
};

const lines: Record<string, ReadLine> = {
  Bash: bashLine,
  Edit: changeLine('tool.verb.edit'),
  MultiEdit: changeLine('tool.verb.edit'),
  NotebookEdit: changeLine('tool.verb.edit'),
  Write: changeLine('tool.verb.write'),
  Read: readFileLine,
  Grep: grepLine,
  Glob: globLine,
  TodoWrite: checklistLine,
  TaskCreate: checklistLine,
  TaskUpdate: checklistLine,
  TaskList: checklistLine,
  TaskGet: checklistLine,
  ExitPlanMode: planLine,
  AskUserQuestion: questionLine,
  WebFetch: fetchLine,
  WebSearch: searchLine,
  Agent: agentLine,
  Task: agentLine,
  Skill: ({ input }) => line('tool.verb.skill', input.skill ?? input.command, []),
  TaskStop: ({ input }) => line('tool.verb.stop', input.task_id ?? input.shell_id, []),
};
