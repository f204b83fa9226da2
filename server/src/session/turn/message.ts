import { z } from 'zod';
import { promptFields, readPrompt, refusePrompt } from './prompt.ts';
import type { Prompt } from './store.ts';

function requireOnePrompt(request: unknown, context: z.RefinementCtx): void {
  if (typeof request !== 'object' || request === null) return;
  const message = refusePrompt(request);
  if (message !== null) context.addIssue({ code: 'custom', path: ['prompt'], message });
}

const sentAs = z.enum(['queue', 'steer', 'interrupt']);

/** `POST /sessions/{session_id}/messages` */
export const messageRequest = z
  .strictObject({
    ...promptFields,
    delivery: sentAs
      .default('queue')
      .describe(
        '`queue`: a turn of its own after those that wait. `steer`: part of the running turn from its next model call ' +
          'on, or the next turn when there is none. `interrupt`: stops the running turn, then runs this one.',
      ),
  })
  .superRefine(requireOnePrompt, { when: () => true })
  .meta({
    id: 'MessageRequest',
    examples: [
      { prompt: 'And now in French.' },
      { prompt: 'Leave the tests as they are.', delivery: 'steer' },
    ],
  });

/** `PATCH /sessions/{session_id}/messages/{turn_id}`: what is left out stays. */
export const editRequest = z
  .strictObject({
    ...promptFields,
    delivery: sentAs
      .optional()
      .describe('Deliver it so from now on, behind those that are; `interrupt` stops the running turn.'),
    before: z
      .uuid()
      .nullish()
      .describe('Place it before this waiting message of the same delivery; null is behind them all.'),
  })
  .superRefine(requireAChange, { when: () => true })
  .meta({
    id: 'MessageEdit',
    examples: [
      { prompt: 'Then the tests, please.' },
      { delivery: 'steer' },
      { before: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f' },
    ],
  });
export type MessageEdit = z.infer<typeof editRequest>;

function requireAChange(request: unknown, context: z.RefinementCtx): void {
  if (typeof request !== 'object' || request === null) return;
  const { delivery, before } = request as { delivery?: unknown; before?: unknown };
  if (!saysSomething(request) && (delivery !== undefined || before !== undefined)) return;
  requireOnePrompt(request, context);
}

function saysSomething({ prompt, content }: { prompt?: unknown; content?: unknown }): boolean {
  return (prompt ?? content ?? null) !== null;
}

/** What the message says from now on; null is what it said. */
export function readEdit(edit: MessageEdit): Prompt | null {
  return saysSomething(edit) ? readPrompt(edit) : null;
}
