import { createHash } from 'node:crypto';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { BoundedMap } from './bounded-map.ts';
import { problemsOfMessages, problemsOfTexts } from './check-messages.ts';
import { blocksOf, type ContentBlock, type CountTokensRequest } from './messages-request.ts';
import type { ModelLimits } from './model-limits.ts';

type Tool = NonNullable<CountTokensRequest['tools']>[number];

/** What else the API goes by. */
export type Circumstances = {
  limits: ModelLimits;
  /** Of the header `anthropic-beta`. */
  betas: readonly string[];
  /** Undefined where tokens are only to be counted. */
  maxTokens: number | undefined;
};

/** It may name what the request names. */
const LONGEST_PROBLEM = 2_000;
const MAX_CACHE_MARKS = 4;
const MIN_THINKING_TOKENS = 1_024;
const toolName = /^[a-zA-Z0-9_-]{1,128}$/;
const propertyName = /^[a-zA-Z0-9_.-]{1,64}$/;
const metaSchema = new Ajv2020({ strict: false, validateFormats: false, logger: false });
/** Agents send the same tools with every request. */
const judged = new BoundedMap<boolean>(1_000);

/** What the Messages API would refuse a request for, in its words; undefined when it would take it. */
export function refusalOf(request: CountTokensRequest, circumstances: Circumstances): string | undefined {
  const [problem] = problemsOf(request, circumstances);
  return problem?.slice(0, LONGEST_PROBLEM);
}

function* problemsOf(request: CountTokensRequest, circumstances: Circumstances): Generator<string> {
  const { messages, model } = request;
  const { limits, betas, maxTokens } = circumstances;
  if (maxTokens !== undefined && maxTokens > limits.maxTokens) {
    yield `max_tokens: ${maxTokens} > ${limits.maxTokens}, which is the maximum allowed number of output tokens for ${model}`;
  }
  if (request.system !== undefined) yield* problemsOfTexts('system', blocksOf(request.system));
  yield* problemsOfMessages(messages, betas);
  const instruction = messages.findIndex(({ role }) => role === 'system');
  if (instruction !== -1 && !limits.takesInstructions) {
    yield `messages.${instruction}: role 'system' is not supported on this model`;
  }
  if (messages.at(-1)?.role === 'assistant' && !limits.takesPrefill) {
    yield 'This model does not support assistant message prefill. The conversation must end with a user message.';
  }
  yield* problemsOfTools(request.tools ?? []);
  yield* problemsOfThinking(request, circumstances);
  const marks = countMarks(request);
  if (marks > MAX_CACHE_MARKS) {
    yield `A maximum of ${MAX_CACHE_MARKS} blocks with cache_control may be provided. Found ${marks}.`;
  }
}

function* problemsOfThinking(
  { thinking, tool_choice }: CountTokensRequest,
  { limits, betas, maxTokens = Number.POSITIVE_INFINITY }: Circumstances,
): Generator<string> {
  if (thinking === undefined || thinking === null) return;
  const { type, budget_tokens } = thinking;
  if (limits.refusedThinking.includes(type)) {
    yield type === 'adaptive'
      ? 'adaptive thinking is not supported on this model'
      : `"thinking.type.${type}" is not supported for this model.`;
  }
  if (type === 'disabled') return;
  if (tool_choice?.type === 'any' || tool_choice?.type === 'tool') {
    yield 'Thinking may not be enabled when tool_choice forces tool use.';
  }
  if (type !== 'enabled') return;
  if (budget_tokens === undefined) yield 'thinking.enabled.budget_tokens: Field required';
  else if (budget_tokens < MIN_THINKING_TOKENS) {
    yield `thinking.enabled.budget_tokens: Input should be greater than or equal to ${MIN_THINKING_TOKENS}`;
  } else if (budget_tokens >= maxTokens && !betas.some((beta) => beta.startsWith('interleaved-thinking-'))) {
    yield '`max_tokens` must be greater than `thinking.budget_tokens`.';
  }
}

function* problemsOfTools(tools: readonly Tool[]): Generator<string> {
  const names = new Set<string>();
  for (const [at, tool] of tools.entries()) {
    const { name, type, input_schema } = tool;
    if (names.has(name)) yield 'tools: Tool names must be unique.';
    names.add(name);
    // Tools that the API brings itself have no schema in the request.
    if ((type ?? 'custom') !== 'custom') continue;
    const place = `tools.${at}.custom`;
    if (!toolName.test(name)) yield `${place}.name: String should match pattern '${toolName.source}'`;
    yield* problemsOfSchema(input_schema, `${place}.input_schema`);
  }
}

function* problemsOfSchema(schema: unknown, place: string): Generator<string> {
  if (typeof schema !== 'object' || schema === null) {
    yield `${place}: Field required`;
    return;
  }
  const { type, properties } = schema as Record<string, unknown>;
  if (type !== 'object') yield `${place}.type: Input should be 'object'`;
  if ('oneOf' in schema || 'allOf' in schema || 'anyOf' in schema) {
    yield `${place}: input_schema does not support oneOf, allOf, or anyOf at the top level`;
  }
  const keys = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  if (keys.some((key) => !propertyName.test(key))) {
    yield `${place}.properties: Property keys should match pattern '${propertyName.source}'`;
  }
  if (!isSchema(schema)) {
    yield `${place}: JSON schema is invalid. It must match JSON Schema draft 2020-12`;
  }
}

function isSchema(schema: object): boolean {
  try {
    const key = createHash('sha256').update(JSON.stringify(schema)).digest('base64');
    const earlier = judged.get(key);
    if (earlier !== undefined) return earlier;
    const { $schema: _, ...rest } = schema as Record<string, unknown>;
    const isValid = metaSchema.validateSchema(rest) === true;
    judged.set(key, isValid);
    return isValid;
  } catch (error) {
    // Thousands of levels in one another.
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Of the blocks of a request, and of the blocks that tools answered with. */
function countMarks({ tools = [], system = [], messages }: CountTokensRequest): number {
  const blocks = messages.flatMap(({ content }) => blocksOf(content));
  const inner = blocks.flatMap(({ type, content }) =>
    type === 'tool_result' && Array.isArray(content) ? (content as ContentBlock[]) : [],
  );
  const parts: Record<string, unknown>[] = [...tools, ...blocksOf(system), ...blocks, ...inner];
  return parts.filter((part) => (part?.cache_control ?? null) !== null).length;
}
