import { blocksOf, type ContentBlock, type MessagesRequest, type Role } from './messages-request.ts';
import { isForged } from './thought-signature.ts';

type Message = MessagesRequest['messages'][number];
/** Messages of one role after another are one to the model. */
type Run = { role: Role; at: number; blocks: ContentBlock[] };

/** Each lets a message change the effort. */
const effortBetas = /^(?:per-turn-control|mid-conversation-output-config|mid-conversation-effort)-/;
const idPattern = /^[a-zA-Z0-9_-]+$/;
const imageBeginnings = new Map([
  ['image/jpeg', /^ffd8ff/],
  ['image/png', /^89504e470d0a1a0a/],
  ['image/gif', /^474946383[79]61/],
  ['image/webp', /^52494646.{8}57454250/],
]);
const MAX_IMAGE_BYTES = 5 * 1024 * 1024;

/** What the Messages API finds wrong with messages, in its words. */
export function* problemsOfMessages(
  messages: readonly Message[],
  betas: readonly string[],
): Generator<string> {
  yield* problemsOfEfforts(messages, betas);
  for (const [at, message] of messages.entries()) yield* problemsOfMessage(message, at, messages);
  yield* problemsOfCalls(runsOf(messages));
}

/** Texts that say nothing. `place` is where they stand in the request. */
export function* problemsOfTexts(place: string, blocks: readonly ContentBlock[]): Generator<string> {
  for (const { type, text } of blocks) {
    if (type !== 'text') continue;
    if (typeof text !== 'string') yield `${place}: text: Field required`;
    else if (text === '') yield `${place}: text content blocks must be non-empty`;
    else if (text.trim() === '') yield `${place}: text content blocks must contain non-whitespace text`;
  }
}

function* problemsOfMessage(
  { role, content }: Message,
  at: number,
  all: readonly Message[],
): Generator<string> {
  const isLast = at === all.length - 1;
  if (content.length === 0 && !setsEffort(all[at]) && !(isLast && role === 'assistant')) {
    yield `messages.${at}: all messages must have non-empty content except for the optional final assistant message`;
  }
  if (role === 'system' && content.length > 0) yield* problemsOfPlace(at, all);
  const blocks = blocksOf(content);
  yield* problemsOfTexts('messages', blocks);
  const last = blocks.at(-1)?.text;
  if (isLast && role === 'assistant' && typeof last === 'string' && last !== last.trimEnd()) {
    yield 'messages: final assistant content cannot end with trailing whitespace';
  }
  for (const [index, block] of blocks.entries()) {
    yield* problemsOfBlock(block, role, `messages.${at}.content.${index}`);
  }
}

function* problemsOfEfforts(messages: readonly Message[], betas: readonly string[]): Generator<string> {
  if (betas.some((beta) => effortBetas.test(beta))) return;
  const at = messages.findIndex(({ output_config }) => output_config !== undefined);
  if (at !== -1) yield `messages.${at}.output_config: Extra inputs are not permitted`;
}

/** Such a message needs no text, and may stand anywhere. */
function setsEffort(message: Message | undefined): boolean {
  return message?.role === 'system' && message.output_config !== undefined;
}

/** Instructions in the middle of a conversation follow what a user said, and come before an answer. */
function* problemsOfPlace(at: number, all: readonly Message[]): Generator<string> {
  if (all[at - 1]?.role !== 'user') yield `messages.${at}: role 'system' must follow a 'user' message`;
  if ((all[at + 1]?.role ?? 'assistant') !== 'assistant') {
    yield `messages.${at}: role 'system' must precede an 'assistant' message or end the array`;
  }
}

function* problemsOfBlock(block: ContentBlock, role: Role, place: string): Generator<string> {
  if (block.type === 'tool_use') yield* problemsOfToolUse(block, role, place);
  if (block.type === 'tool_result') yield* problemsOfToolResult(block, role, place);
  if (block.type === 'thinking') yield* problemsOfThought(block, role, place);
  if (block.type === 'image') yield* problemsOfImage(block, `${place}.image.source`);
}

function* problemsOfToolUse(block: ContentBlock, role: Role, place: string): Generator<string> {
  const { id, name, input } = block;
  if (role !== 'assistant') yield `${place}: \`tool_use\` blocks can only be in \`assistant\` messages`;
  if (typeof id !== 'string' || !idPattern.test(id)) {
    yield `${place}.tool_use.id: String should match pattern '${idPattern.source}'`;
  }
  if (typeof name !== 'string' || name === '') yield `${place}.tool_use.name: Field required`;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    yield `${place}.tool_use.input: Input should be an object`;
  }
}

function* problemsOfToolResult(block: ContentBlock, role: Role, place: string): Generator<string> {
  const { tool_use_id, content, is_error } = block;
  if (role !== 'user') yield `${place}: \`tool_result\` blocks can only be in \`user\` messages`;
  if (typeof tool_use_id !== 'string') yield `${place}.tool_result.tool_use_id: Field required`;
  const isEmpty = content === undefined || (Array.isArray(content) && content.length === 0) || content === '';
  if (is_error === true && isEmpty) {
    yield `${place}.tool_result: content cannot be empty if \`is_error\` is true`;
  }
  if (!Array.isArray(content)) return;
  for (const [index, inner] of (content as ContentBlock[]).entries()) {
    if (inner?.type === 'image')
      yield* problemsOfImage(inner, `${place}.tool_result.content.${index}.image.source`);
  }
}

function* problemsOfThought(block: ContentBlock, role: Role, place: string): Generator<string> {
  const { thinking, signature } = block;
  if (role !== 'assistant') yield `${place}: \`thinking\` blocks can only be in \`assistant\` messages`;
  if (typeof thinking !== 'string') yield `${place}.thinking.thinking: Field required`;
  else if (typeof signature !== 'string') yield `${place}.thinking.signature: Field required`;
  else if (isForged(thinking, signature)) yield `${place}: Invalid \`signature\` in \`thinking\` block`;
}

function* problemsOfImage({ source }: ContentBlock, place: string): Generator<string> {
  const { type, media_type, data } = (source ?? {}) as Record<string, unknown>;
  if (type === undefined) yield `${place}: Field required`;
  if (type !== 'base64') return;
  const beginning = imageBeginnings.get(String(media_type));
  if (beginning === undefined) {
    yield `${place}.base64.media_type: Input should be ${[...imageBeginnings.keys()].map((name) => `'${name}'`).join(', ')}`;
    return;
  }
  if (typeof data !== 'string' || data === '') {
    yield `${place}.base64.data: Field required`;
    return;
  }
  const bytes = Math.floor((data.length * 3) / 4);
  if (bytes > MAX_IMAGE_BYTES) {
    yield `${place}.base64: image exceeds 5 MB maximum: ${bytes} bytes > ${MAX_IMAGE_BYTES} bytes`;
  } else if (!/^[A-Za-z0-9+/]+={0,2}$/.test(data)) {
    yield `${place}.base64.data: Invalid base64 data`;
  } else if (!beginning.test(Buffer.from(data.slice(0, 64), 'base64').toString('hex'))) {
    yield `${place}.base64: the image does not match the provided media type ${media_type}`;
  }
}

function runsOf(messages: readonly Message[]): Run[] {
  const runs: Run[] = [];
  for (const [at, { role, content }] of messages.entries()) {
    if (role === 'system') continue;
    if (runs.at(-1)?.role !== role) runs.push({ role, at, blocks: [] });
    for (const block of blocksOf(content)) runs.at(-1)?.blocks.push(block);
  }
  return runs;
}

/** Every call is answered at the start of the next message, once, and nothing else is. */
function* problemsOfCalls(runs: readonly Run[]): Generator<string> {
  const seen = new Set<unknown>();
  for (const [index, run] of runs.entries()) {
    if (run.role === 'assistant') yield* problemsOfCalling(run, runs[index + 1], seen);
    else yield* problemsOfAnswering(run, runs[index - 1]);
  }
}

function* problemsOfCalling(run: Run, next: Run | undefined, seen: Set<unknown>): Generator<string> {
  const ids = run.blocks.flatMap(({ type, id }) => (type === 'tool_use' ? [id] : []));
  for (const id of ids) {
    if (seen.has(id)) yield 'messages: `tool_use` ids must be unique';
    seen.add(id);
  }
  const answers = next?.blocks ?? [];
  const firstOther = answers.findIndex(({ type }) => type !== 'tool_result');
  const first = firstOther === -1 ? answers : answers.slice(0, firstOther);
  const answered = new Set(first.map(({ tool_use_id }) => tool_use_id));
  const open = ids.filter((id) => !answered.has(id));
  if (open.length > 0) {
    yield `messages.${run.at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. ` +
      'Each `tool_use` block must have a corresponding `tool_result` block in the next message.';
  }
}

function* problemsOfAnswering(run: Run, previous: Run | undefined): Generator<string> {
  const calls = new Set(
    (previous?.blocks ?? []).flatMap(({ type, id }) => (type === 'tool_use' ? [id] : [])),
  );
  const seen = new Set<unknown>();
  for (const [index, { type, tool_use_id: id }] of run.blocks.entries()) {
    if (type !== 'tool_result') continue;
    const place = `messages.${run.at}.content.${index}`;
    if (!calls.has(id)) {
      yield `${place}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. ` +
        'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.';
    }
    if (seen.has(id)) {
      yield `${place}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`;
    }
    seen.add(id);
  }
}
