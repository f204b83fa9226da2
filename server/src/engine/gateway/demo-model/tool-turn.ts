import { answerLines } from './answers.ts';
import type { Conversation, ToolCall } from './conversation.ts';
import type { Block } from './rules.ts';
import { readTask, type Step } from './steps.ts';
import { type Marks, textBetween } from './text.ts';

/** The `claude` program frames what a subagent hands back. */
const subagentReport: Marks = { open: 'The report follows:\n', close: '\nagentId: ' };
const longestQuote = 2_000;
/** A longer prompt is taken for pasted text, in which nothing is asked for. */
const longestTask = 20_000;
/** More than a prompt of that length asks for. */
const mostCalls = 5_000;
/** Calls that find or report something, and are no step of the prompt. */
const bookkeeping = new Set(['ToolSearch', 'StructuredOutput']);

/** The next tool calls that the prompt asks for, or the account of what they gave; undefined when it asks for none. */
export function takeToolTurn(prompt: string, conversation: Conversation): Block[] | undefined {
  if (prompt.length > longestTask) return undefined;
  const cwd = /working directory: (.+)/i.exec(conversation.notices)?.[1]?.trim();
  const { rounds, rest } = readTask(prompt, cwd);
  const steps = rounds.flat();
  if (steps.length === 0) return undefined;
  const calls = conversation.calls.filter((call) => !bookkeeping.has(call.name)).slice(0, mostCalls);
  const made = matchCalls(calls, steps);
  const failed = calls.some((call) => call.result?.isError);
  const next = failed ? [] : remaining(rounds, new Set(made.values()));
  const missing = next.find((step) => !conversation.tools.has(step.tool));
  const search = missing && findTool(missing, conversation);
  if (search) return search;
  if (next.length > 0 && !missing) return [{ type: 'text', text: announce(next) }, ...next.map(toolUse)];
  const besides = answerLines(rest, conversation.earlierPrompts) ?? [];
  const ending = missing
    ? withoutTool(missing, conversation)
    : calls.length < steps.length
      ? 'I stopped there.'
      : [];
  const done = calls.map((call) => accountOf(call, made.get(call)));
  return [{ type: 'text', text: [besides, done, ending].flat().join('\n\n') }];
}

/**
 * Which step each call made: the one with its input. A conversation that goes on after it was cut off may have the second of two
 * calls that were made side by side, and not the first. An input may have been changed, and then it is the first of its tool.
 */
function matchCalls(calls: readonly ToolCall[], steps: readonly Step[]): Map<ToolCall, Step> {
  const made = new Map<ToolCall, Step>();
  const taken = new Set<Step>();
  const match = (keyOf: (tool: string, input: unknown) => string): void => {
    const left = Map.groupBy(
      steps.filter((step) => !taken.has(step)),
      ({ tool, input }) => keyOf(tool, input),
    );
    for (const call of calls) {
      const step = made.has(call) ? undefined : left.get(keyOf(call.name, call.input))?.shift();
      if (step === undefined) continue;
      taken.add(step);
      made.set(call, step);
    }
  };
  match((tool, input) => JSON.stringify([tool, input]));
  match((tool) => tool);
  return made;
}

/** What is left of the first round that is not complete. */
function remaining(rounds: readonly Step[][], made: ReadonlySet<Step>): Step[] {
  const left = rounds.map((steps) => steps.filter((step) => !made.has(step)));
  return left.find((steps) => steps.length > 0) ?? [];
}

function toolUse(step: Step): Block {
  return { type: 'tool_use', name: step.tool, input: step.input };
}

/** The `claude` program keeps some tools back until they are looked up by name. */
function findTool(step: Step, conversation: Conversation): Block[] | undefined {
  const searched = conversation.calls.some(
    (call) => call.name === 'ToolSearch' && JSON.stringify(call.input).includes(step.tool),
  );
  if (searched || !conversation.tools.has('ToolSearch') || !conversation.notices.includes(step.tool))
    return undefined;
  const input = { query: `select:${step.tool}`, max_results: 1 };
  return [
    { type: 'text', text: `I'll look up the tool ${step.tool}.` },
    { type: 'tool_use', name: 'ToolSearch', input },
  ];
}

function announce(steps: Step[]): string {
  return `I'll ${steps.map((step) => step.intent).join(', and ')}.`;
}

function withoutTool(step: Step, conversation: Conversation): string {
  const offered = [...conversation.tools.keys()]
    .filter((name) => name !== 'DeferredToolPlaceholder')
    .join(', ');
  return `I cannot ${step.intent}: this session does not offer the tool ${step.tool}. Offered tools: ${offered || 'none'}.`;
}

function accountOf(call: ToolCall, step: Step | undefined): string {
  const outcome = `I ${step?.outcome ?? `used ${call.name}`}.`;
  const text = call.result?.text ?? '';
  if (text.startsWith('Async agent launched')) return `${outcome} It works in the background.`;
  const output = quote(textBetween(text, subagentReport) ?? text);
  if (call.result?.isError)
    return `I could not ${step?.intent ?? `use ${call.name}`}. The tool ${call.name} answered:\n\n${output}`;
  return output === '' ? `${outcome} There was no output.` : `${outcome} The output:\n\n${output}`;
}

function quote(output: string): string {
  const text = output.trimEnd();
  const shown =
    text.length > longestQuote
      ? `${text.slice(0, longestQuote)}\n… (${text.length - longestQuote} more characters)`
      : text;
  return shown === '' ? '' : `\`\`\`\n${shown}\n\`\`\``;
}
