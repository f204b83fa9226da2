import { z } from 'zod';
import { contentBlock } from '../turn/turn.ts';

/**
 * `tool`: may the agent make this call. `question`: the agent asks the user. `plan`: may it begin with its plan.
 * `client_tool`: the caller is to run a tool and post its result.
 */
export const approvalKind = z.enum(['tool', 'question', 'plan', 'client_tool']);
export type ApprovalKind = z.infer<typeof approvalKind>;

export const approvalStatus = z.enum(['pending', 'allowed', 'denied', 'answered', 'expired', 'withdrawn']);
export type ApprovalStatus = z.infer<typeof approvalStatus>;

export const approvalPhase = z.enum(['requested', 'decided', 'expired', 'withdrawn']);
export type ApprovalPhase = z.infer<typeof approvalPhase>;

export const approvalScope = z.enum(['once', 'session']);

const object = z.record(z.string(), z.unknown());

export const toolResult = z.strictObject({
  content: z.union([z.string(), z.array(contentBlock)]),
  is_error: z.boolean().default(false),
});

/** What a person, or a program for one, answered. */
export const approvalAnswer = z.union([
  z.strictObject({
    decision: z.literal('allow'),
    scope: approvalScope.default('once').describe('`session`: calls like this one are not asked for again.'),
    updated_input: object.optional().describe("Replaces the call's input."),
  }),
  z.strictObject({
    decision: z.literal('deny'),
    message: z.string().max(10_000).optional().describe('The reason; the model reads it.'),
    interrupt: z.boolean().default(false).describe('Also end the turn.'),
  }),
  z
    .strictObject({ answers: z.record(z.string(), z.union([z.string(), z.array(z.string())])) })
    .describe('Answers by question.'),
  z.strictObject({ result: toolResult }).describe('What the client tool gave.'),
]);
export type ApprovalAnswer = z.infer<typeof approvalAnswer>;

/** What the agent program said about the call, beside its input. */
export const approvalDetails = z.object({
  description: z.string().nullable(),
  plan: z.string().nullable(),
  /** Permission rules that would cover calls like this one, such as `Bash(git status *)`. */
  rules: z.array(z.string()),
});
export type ApprovalDetails = z.infer<typeof approvalDetails>;

export const approvalView = z
  .object({
    approval_id: z.string(),
    session_id: z.string(),
    turn_id: z.string(),
    kind: approvalKind,
    tool_name: z.string(),
    tool_use_id: z.string(),
    agent_id: z.string().nullable().describe('The subagent that asks; null is the main agent.'),
    input: object,
    ...approvalDetails.shape,
    status: approvalStatus,
    answer: z.record(z.string(), z.unknown()).nullable(),
    decided_by: z.string().nullable(),
    requested_at: z.iso.datetime(),
    expires_at: z.iso.datetime(),
    decided_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Approval', description: 'A question that the agent waits on.' });
export type ApprovalView = z.infer<typeof approvalView>;
