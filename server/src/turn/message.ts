import { z } from 'zod';
import { promptFields, refusePrompt } from './prompt.ts';

function requireOnePrompt(request: unknown, context: z.RefinementCtx): void {
  if (typeof request !== 'object' || request === null) return;
  const message = refusePrompt(request);
  if (message !== null) context.addIssue({ code: 'custom', path: ['prompt'], message });
}

/** `POST /sessions/{session_id}/messages` */
export const messageRequest = z
  .strictObject({
    ...promptFields,
    delivery: z
      .enum(['queue', 'steer', 'interrupt'])
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

/** `PATCH /sessions/{session_id}/messages/{turn_id}` */
export const editRequest = z
  .strictObject(promptFields)
  .superRefine(requireOnePrompt, { when: () => true })
  .meta({ id: 'MessageEdit', examples: [{ prompt: 'Then the tests, please.' }] });
