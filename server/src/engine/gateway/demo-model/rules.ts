import { answerInWords } from './answers.ts';
import type { Conversation } from './conversation.ts';
import { type Fault, readDirectives } from './directives.ts';
import { sampleOf } from './sample.ts';
import { textBetween } from './text.ts';
import { takeToolTurn } from './tool-turn.ts';

export type Block =
  | { type: 'thinking'; thinking: string }
  | { type: 'text'; text: string }
  | { type: 'tool_use'; name: string; input: Record<string, unknown> };

/** What the demo model does with a request, before any of it is sent. */
export type Reply = {
  blocks: Block[];
  isRefusal: boolean;
  fault: Fault | undefined;
  tokensPerSecond: number | undefined;
};

const thought = 'The person wants to see me think, so I think aloud for a moment before I follow my rules.';

export function replyTo(conversation: Conversation): Reply {
  const { text, think, say, noAnswer, fault, tokensPerSecond } = readDirectives(conversation.prompt);
  const thinking: Block[] = think ? [{ type: 'thinking', thinking: thought }] : [];
  const heard = {
    ...conversation,
    earlierPrompts: conversation.earlierPrompts.map((prompt) => readDirectives(prompt).text),
  };
  const answer: Block[] = say === undefined ? answerTo(text, heard) : [{ type: 'text', text: say }];
  const blocks = noAnswer === undefined ? [...thinking, ...answer] : [];
  return { blocks, isRefusal: noAnswer === 'refuse', fault, tokensPerSecond };
}

function answerTo(prompt: string, conversation: Conversation): Block[] {
  if (asksForSummary(prompt)) return words(summarise(conversation));
  if (conversation.outputSchema !== undefined) {
    return words(JSON.stringify(sampleOf(conversation.outputSchema, lastStatement(prompt))));
  }
  const toolTurn = takeToolTurn(prompt, conversation);
  if (toolTurn?.some((block) => block.type === 'tool_use')) return toolTurn;
  if (conversation.taskReport !== undefined) return words(passOn(conversation.taskReport));
  return structuredOutput(prompt, conversation) ?? toolTurn ?? words(unsaid(prompt, conversation));
}

function words(text: string): Block[] {
  return [{ type: 'text', text }];
}

/** An answer that the token limit cut off goes on where it stopped. */
function unsaid(prompt: string, conversation: Conversation): string {
  const answer = answerInWords(prompt, conversation.earlierPrompts);
  const { said } = conversation;
  return said !== '' && said !== answer && answer.startsWith(said) ? answer.slice(said.length) : answer;
}

/** A session with an output format ends its turn through this tool. */
function structuredOutput(prompt: string, conversation: Conversation): Block[] | undefined {
  const schema = conversation.tools.get('StructuredOutput');
  const reported = conversation.calls.some((call) => call.name === 'StructuredOutput');
  if (schema === undefined || reported) return undefined;
  const input = sampleOf(schema, prompt);
  return typeof input === 'object' && input !== null
    ? [{ type: 'tool_use', name: 'StructuredOutput', input: { ...input } }]
    : undefined;
}

/** How the `claude` program asks for what is to be kept of a conversation. */
function asksForSummary(prompt: string): boolean {
  const at = prompt.indexOf('create a detailed summary of');
  return at !== -1 && prompt.includes('<summary>', at);
}

function summarise(conversation: Conversation): string {
  const lines = conversation.earlierPrompts.map((prompt) => `- ${prompt}`).join('\n');
  return `<analysis>\nThe demo model lists what the user said.\n</analysis>\n\n<summary>\nThe user said:\n${lines}\n</summary>`;
}

function passOn(taskReport: string): string {
  const part = (name: string) => textBetween(taskReport, { open: `<${name}>`, close: `</${name}>` }) ?? '';
  return `A task in the background has ended (${part('status')}): ${part('summary')}\n\n${part('result')}`.trim();
}

function lastStatement(prompt: string): string {
  return prompt.slice(prompt.lastIndexOf('\n') + 1);
}
