import { z } from 'zod';
import { type ContentBlock, contentBlock } from './turn.ts';

/* What a request may say. It becomes a turn in lifecycle.ts (`queueTurn`), and begins in engine/hold/turns.ts (`beginTurn`). */

export const MAX_PROMPT_BYTES = 1024 * 1024;
export const MAX_IMAGES = 20;
export const MAX_IMAGE_BYTES = 5 * 1024 * 1024;
/** Of a body that may have images in it. */
export const MAX_PROMPT_BODY_BYTES = 20 * 1024 * 1024;

const NUL = '\u0000';
type Image = Extract<ContentBlock, { type: 'image' }>;

const content = z
  .array(contentBlock)
  .min(1, 'must not be empty')
  .max(200)
  .superRefine((blocks, context) => {
    const images = blocks.filter((block) => block.type === 'image');
    if (images.length > MAX_IMAGES) {
      context.addIssue({ code: 'custom', message: `must not have more than ${MAX_IMAGES} images` });
    }
    if (images.length === 0 && textOf(blocks) === '') {
      context.addIssue({ code: 'custom', message: 'must not be blank' });
    }
    for (const [index, block] of blocks.entries()) {
      const found = block.type === 'image' ? refuseImage(block) : refuseText(block.text);
      if (found === null) continue;
      context.addIssue({ code: 'custom', path: [index, ...found.path], message: found.message });
    }
  });

function refuseText(text: string): { path: string[]; message: string } | null {
  return text.includes(NUL) ? { path: ['text'], message: 'must not contain a NUL character' } : null;
}

/** How a file of each type begins, in hex. An image that the model API refuses would fail every later turn as well. */
const beginnings: Record<Image['source']['media_type'], RegExp> = {
  'image/png': /^89504e470d0a1a0a/,
  'image/jpeg': /^ffd8ff/,
  'image/gif': /^474946383[79]61/,
  'image/webp': /^52494646.{8}57454250/,
};

function refuseImage({ source }: Image): { path: string[]; message: string } | null {
  const bytes = Math.floor((source.data.length * 3) / 4);
  if (bytes > MAX_IMAGE_BYTES) {
    return { path: ['source', 'data'], message: `must not be larger than ${MAX_IMAGE_BYTES} bytes` };
  }
  const start = Buffer.from(source.data.slice(0, 64), 'base64').toString('hex');
  if (beginnings[source.media_type].test(start)) return null;
  return { path: ['source', 'data'], message: `is no ${source.media_type}` };
}

/** The two ways to say a prompt; a request has exactly one of them, see `refusePrompt`. */
export const promptFields = {
  prompt: z
    .string()
    .refine((value) => !value.includes(NUL), 'must not contain a NUL character')
    .trim()
    .min(1, 'must not be blank')
    .nullish()
    .describe('What the agent is to do.'),
  content: content.nullish().describe('The prompt as blocks, where it has images; instead of `prompt`.'),
};

type PromptRequest = {
  prompt?: string | null | undefined;
  content?: ContentBlock[] | null | undefined;
};

/** What is wrong with the prompt as a whole, or null. Looks at unchecked input. */
export function refusePrompt(request: { prompt?: unknown; content?: unknown }): string | null {
  const { prompt = null, content = null } = request;
  if (prompt === null && content === null) return 'Invalid input: expected string, or content in its place';
  if (prompt !== null && content !== null) return 'must not be given together with content';
  const text = typeof prompt === 'string' ? prompt : textOf(Array.isArray(content) ? content : []);
  if (Buffer.byteLength(text) <= MAX_PROMPT_BYTES) return null;
  return `must not have more than ${MAX_PROMPT_BYTES} bytes of text`;
}

/** The prompt as it is stored: its text, and the blocks where it is more than text. */
export function readPrompt(request: PromptRequest): { prompt: string; content: ContentBlock[] | null } {
  const blocks = request.content ?? null;
  if (blocks === null) return { prompt: request.prompt ?? '', content: null };
  const hasImages = blocks.some((block) => block.type === 'image');
  return { prompt: textOf(blocks), content: hasImages ? blocks : null };
}

function textOf(blocks: readonly ContentBlock[]): string {
  return blocks
    .flatMap((block) => (block?.type === 'text' && typeof block.text === 'string' ? [block.text] : []))
    .join('\n')
    .trim();
}
