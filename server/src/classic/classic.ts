import { z } from 'zod';
import { isDeniedVariable, isVariableName } from '../agent/environment.ts';
import { permissionMode, type SessionOptions, sessionStatus } from '../session/session.ts';
import { classicMessageType } from './messages.ts';

// PostgreSQL's text cannot hold it, and neither can a program's arguments or environment.
const NUL = '\u0000';
const text = z.string().refine((value) => !value.includes(NUL), 'must not contain a NUL character');

// Linux starts no program with an argument or a variable of 128 KB or more.
const MAX_ARGUMENT_BYTES = 100_000;
const fits = (value: string): boolean => Buffer.byteLength(value) <= MAX_ARGUMENT_BYTES;

const toolNames = z
  .array(text.trim().min(1, 'a tool name must not be empty'))
  .max(200)
  .refine((names) => fits(names.join()), `must not be longer than ${MAX_ARGUMENT_BYTES} bytes in all`);

const env = z.record(z.string(), text).superRefine((variables, context) => {
  for (const [name, value] of Object.entries(variables)) {
    const message = refuseVariable(name, value);
    if (message !== null) context.addIssue({ code: 'custom', path: [name], message });
  }
});

function refuseVariable(name: string, value: string): string | null {
  if (!isVariableName(name)) return 'is not a valid variable name (letters, digits and _)';
  if (isDeniedVariable(name))
    return 'is set by the server, or would change what the agent runs, and cannot be given';
  return fits(name + value) ? null : `must not be longer than ${MAX_ARGUMENT_BYTES} bytes`;
}

/** `POST /execute/`. A field that is null counts as not given. */
export const executeRequest = z
  .strictObject({
    prompt: text.trim().min(1, 'must not be blank').describe('What the agent is to do.'),
    allowed_tools: toolNames
      .nullish()
      .describe('Tools that run without asking, such as `Bash` or `Bash(git:*)`.'),
    disallowed_tools: toolNames.nullish().describe('Tools that the agent does not get.'),
    system_prompt: text.nullish().describe('Replaces the default system prompt; blank means none.'),
    permission_mode: permissionMode
      .nullish()
      .describe('What runs without being allowed tool by tool. What would have to be asked for is denied.'),
    model: text.trim().max(200).nullish().describe('`sonnet`, `opus`, `haiku` or a full model name.'),
    cwd: text
      .min(1)
      .nullish()
      .describe('Directory to work in; without it the session gets a workspace of its own.'),
    max_turns: z.number().int().min(1).max(100).nullish().describe('Model calls with tool use, at most.'),
    env: env.nullish().describe("Variables for the agent's environment."),
    resume_session_id: z.string().nullish().describe('Continue this session instead of starting one.'),
    title: text.trim().max(200).nullish().describe('A name for people.'),
    metadata: z
      .record(text.max(64), text.max(512))
      .nullish()
      .describe('Strings of your own, kept with the session.'),
  })
  .meta({
    id: 'ExecuteRequest',
    examples: [
      { prompt: 'Please introduce yourself.', model: 'sonnet' },
      { prompt: 'run: git status', allowed_tools: ['Bash(git:*)'], max_turns: 10 },
      { prompt: 'What was my name again?', resume_session_id: '019f2d3c-4a5b-7c6d-8e9f-0a1b2c3d4e5f' },
    ],
  });
export type ExecuteRequest = z.infer<typeof executeRequest>;

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
  })
  .meta({ id: 'StatusResponse' });

export const sessionListItem = z
  .object({
    session_id: sessionId,
    status: sessionStatus,
    prompt: z.string().describe('All prompts of the session, joined by a line `--- Session Resume ---`.'),
    created_at: z.iso.datetime(),
    start_time: z.iso.datetime().nullable(),
    end_time: z.iso.datetime().nullable(),
    error: z.string().nullable(),
    result: classicResult.nullable(),
    message_count: z.number().int(),
    claude_session_id: z.string().nullable(),
  })
  .meta({ id: 'SessionListItem' });

// To a number a blank is 0, and `max_age_hours=` must not remove every session.
const rejectBlank = (value: unknown): unknown => (value === '' ? Number.NaN : value);

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

/** The agent's options among the request's fields; those not given are left out. */
export function toSessionOptions(request: ExecuteRequest): SessionOptions {
  const { allowed_tools, disallowed_tools, system_prompt, permission_mode, model, max_turns, env } = request;
  const options = {
    allowed_tools,
    disallowed_tools,
    system_prompt: system_prompt?.trim() === '' ? undefined : system_prompt,
    permission_mode,
    model: model === '' ? undefined : model,
    max_turns,
    env,
  };
  const given = Object.entries(options).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given) as SessionOptions;
}
