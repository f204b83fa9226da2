import { z } from 'zod';
import { nullishFields } from '../../session/options/fields.ts';
import { presetFields } from '../../session/preset/preset.ts';
import { sessionStatus } from '../../session/session.ts';
import { refusePrompt } from '../../session/turn/prompt.ts';
import { classicMessageType } from './messages.ts';

/** `POST /execute/`. A field that is null counts as not given. */
export const executeRequest = z
  .strictObject({
    ...presetFields,
    ...nullishFields({
      resume_session_id: z.string().describe('Continue this session instead of starting one.'),
      fork_session: z
        .boolean()
        .describe(
          'Continue in a new session that begins as a copy of `resume_session_id`, which stays as it is.',
        ),
      preset_id: z
        .string()
        .describe(
          'The preset whose values stand for `********` in this request; nothing else of it is used.',
        ),
    }),
  })
  // Whatever else is wrong with the request: all of it is told at once.
  .superRefine(refuseCombination, { when: () => true })
  .meta({
    id: 'ExecuteRequest',
    examples: [
      { prompt: 'Please introduce yourself.', model: 'sonnet' },
      { prompt: 'run: git status', allowed_tools: ['Bash(git status:*)'], max_turns: 10 },
      { prompt: 'What was my name again?', resume_session_id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f' },
      {
        prompt: 'Which cities does the text name?',
        output_format: {
          type: 'json_schema',
          schema: { type: 'object', properties: { cities: { type: 'array', items: { type: 'string' } } } },
        },
      },
    ],
  });
export type ExecuteRequest = z.infer<typeof executeRequest>;

function refuseCombination(request: unknown, context: z.RefinementCtx): void {
  if (typeof request !== 'object' || request === null) return;
  const given: { [Name in keyof ExecuteRequest]?: unknown } = request;
  const refuse = (field: keyof ExecuteRequest, message: string | null) => {
    if (message !== null) context.addIssue({ code: 'custom', path: [field], message });
  };
  refuse('prompt', refusePrompt(given));
  if (given.fork_session === true && !given.resume_session_id) {
    refuse('fork_session', 'needs resume_session_id: the session to fork');
  }
  if (given.preset_id && given.resume_session_id) {
    refuse('preset_id', 'is for a new session: one that is resumed has its own values');
  }
  if (typeof given.model === 'string' && given.model !== '' && given.model === given.fallback_model) {
    refuse('fallback_model', 'must be another one than model');
  }
}

/** `POST /execute/validate` */
export const validation = z
  .object({ valid: z.literal(true) })
  .meta({ id: 'Validation', description: 'The request would have been taken, if there were room.' });

const sessionId = z.string().describe('UUID');

export const executeResponse = z
  .object({ session_id: sessionId, status: sessionStatus, message: z.string() })
  .meta({
    id: 'ExecuteResponse',
    examples: [
      {
        session_id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f',
        status: 'pending',
        message: 'Session 019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f started successfully',
      },
    ],
  });

/** The same three fields answer a cancel and a delete. */
export const sessionChange = executeResponse.meta({ id: 'SessionChange' });

// To a number a blank is 0, and `max_age_hours=` must not remove every session.
const rejectBlank = (value: unknown): unknown => (value === '' ? Number.NaN : value);

export const classicResult = z
  .object({
    session_id: z.string().describe("The agent's own id of the conversation."),
    num_turns: z.number(),
    duration_ms: z.number(),
    total_cost_usd: z.number(),
    usage: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'Result', description: 'What the last turn gave; only when the session is completed.' });

export const statusResponse = z
  .object({
    session_id: sessionId,
    status: sessionStatus,
    messages: z.array(
      z.object({
        type: classicMessageType,
        content: z.record(z.string(), z.unknown()),
        timestamp: z.iso.datetime(),
      }),
    ),
    result: classicResult.nullable(),
    error: z.string().nullable(),
    duration_ms: z.number().int().nullable().describe('Of the latest turn, so far or in all.'),
    total_cost_usd: z.number().nullable().describe('Of the session, over all its turns.'),
    messages_omitted: z
      .number()
      .int()
      .optional()
      .describe('Older messages that did not fit, if there are any: `after=0` begins with them.'),
    next_after: z.number().int().optional().describe('With `after`: where the next page begins.'),
    has_more: z.boolean().optional().describe('With `after`: whether there are more messages by now.'),
  })
  .meta({ id: 'StatusResponse' });

export const statusQuery = z.object({
  after: z
    .preprocess(rejectBlank, z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER))
    .optional()
    .describe('Messages behind this `seq` of the log, oldest first; without it the newest that fit.'),
  limit: z
    .preprocess(rejectBlank, z.coerce.number().int().min(1).max(10_000))
    .optional()
    .describe('Messages at most.'),
});

export const sessionListItem = z
  .object({
    session_id: sessionId,
    status: sessionStatus,
    prompt: z
      .string()
      .describe('The prompts of the session, joined by a line `--- Session Resume ---`: the first 2 KB.'),
    prompt_truncated: z.literal(true).optional().describe('There is more; the turns have it.'),
    created_at: z.iso.datetime(),
    start_time: z.iso.datetime().nullable(),
    end_time: z.iso.datetime().nullable(),
    error: z.string().nullable(),
    result: classicResult.nullable(),
    message_count: z.number().int(),
    claude_session_id: z.string().nullable(),
  })
  .meta({ id: 'SessionListItem' });

export const listQuery = z.strictObject({
  limit: z.preprocess(rejectBlank, z.coerce.number().int().min(1).max(1000)).default(100),
  cursor: z.uuid().optional().describe('From the `Link: rel="next"` header of the page before.'),
  status: sessionStatus.optional(),
});

const MAX_AGE_HOURS = 24 * 365 * 100;

export const cleanupQuery = z.strictObject({
  max_age_hours: z
    .preprocess(rejectBlank, z.coerce.number().min(0).max(MAX_AGE_HOURS))
    .default(24)
    .describe('0 removes every ended session.'),
});

export const cleanupResponse = z
  .object({ removed: z.number().int(), message: z.string() })
  .meta({ id: 'CleanupResponse' });

export const PROMPT_SEPARATOR = '\n\n--- Session Resume ---\n';
