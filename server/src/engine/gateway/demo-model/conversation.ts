import { compactionNotice, type Entry, readEntries } from './entries.ts';
import { type MessagesRequest, plainText } from './messages-request.ts';

/** Of what the person said, in characters. */
const longestMemory = 100_000;

export type ToolCall = {
  name: string;
  input: unknown;
  /** Undefined while the call has no result. */
  result: { text: string; isError: boolean } | undefined;
};

export type Conversation = {
  /** The last thing that a person said; what the program adds by itself is not a prompt. */
  prompt: string;
  /** What the person said before, oldest first. */
  earlierPrompts: string[];
  /** What the model has said and called since the prompt. */
  said: string;
  calls: ToolCall[];
  /** Offered tools and the JSON schema of their input. */
  tools: Map<string, unknown>;
  /** What the program has reported, since the model last spoke, about a task in the background. */
  taskReport: string | undefined;
  /** Everything that the program says about itself and its surroundings. */
  notices: string;
  /** The schema that the answer must fit, when the request asks for JSON. */
  outputSchema: unknown;
};

export function readConversation(request: MessagesRequest): Conversation {
  const entries = readEntries(request);
  const promptAt = entries.findLastIndex((entry) => entry.kind === 'prompt');
  const sincePrompt = entries.slice(promptAt + 1);
  const latest = sincePrompt.slice(sincePrompt.findLastIndex(isOwn) + 1);
  return {
    prompt: textsOf(entries.slice(0, promptAt + 1), 'prompt').at(-1) ?? '',
    earlierPrompts: newest(entries.slice(0, Math.max(promptAt, 0)).filter(isStatement).map(textOf)),
    said: textsOf(sincePrompt, 'said').join(''),
    calls: callsIn(sincePrompt),
    tools: new Map((request.tools ?? []).map((tool) => [tool.name, tool.input_schema])),
    taskReport: textsOf(latest, 'notice').findLast((text) => text.includes('<task-notification>')),
    notices: [plainText(request.system), ...textsOf(entries, 'notice')].join('\n'),
    outputSchema: request.output_config?.format?.schema,
  };
}

/** The latest of these texts, as far as they are to be remembered. */
function newest(texts: string[]): string[] {
  let left = longestMemory;
  const first = texts.findLastIndex((text) => {
    left -= text.length;
    return left < 0;
  });
  return texts.slice(first + 1);
}

function isOwn(entry: Entry): boolean {
  return entry.kind === 'said' || entry.kind === 'call';
}

/** After a compaction the summary speaks for the person. */
function isStatement(entry: Entry): boolean {
  return entry.kind === 'prompt' || (entry.kind === 'notice' && entry.text.startsWith(compactionNotice));
}

function callsIn(entries: Entry[]): ToolCall[] {
  const results = new Map(entries.flatMap((entry) => (entry.kind === 'result' ? [[entry.id, entry]] : [])));
  return entries.flatMap((entry) =>
    entry.kind === 'call' ? [{ name: entry.name, input: entry.input, result: results.get(entry.id) }] : [],
  );
}

function textsOf(entries: Entry[], kind: 'prompt' | 'notice' | 'said'): string[] {
  return entries.filter((entry) => entry.kind === kind).map(textOf);
}

function textOf(entry: Entry): string {
  return 'text' in entry ? entry.text : '';
}
