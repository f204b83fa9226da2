import { z } from 'zod';
import { toolRule } from '../options/fields.ts';
import { contentBlock } from '../turn/turn.ts';
import { refuseRuleForm } from './rules.ts';

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
  content: z.union([z.string(), z.array(contentBlock).max(200)], {
    error: 'expected text, or an array of blocks',
  }),
  is_error: z.boolean().default(false),
});
export type ToolResult = z.infer<typeof toolResult>;

/** What a person, or a program for one, answered. */
export type ApprovalAnswer =
  | {
      decision: 'allow';
      scope: z.infer<typeof approvalScope>;
      updated_input?: Record<string, unknown> | undefined;
      /** Instead of those that the agent program suggested. */
      rules?: string[] | undefined;
      /** The session's from now on, for a plan. */
      permission_mode?: z.infer<typeof modeAfterPlan> | undefined;
    }
  | { decision: 'deny'; message?: string | undefined; interrupt: boolean }
  /** By question. */
  | { answers: Record<string, string | string[]> }
  /** What a client tool gave. */
  | { result: ToolResult };

const modeAfterPlan = z.enum(['default', 'acceptEdits']);

const rememberedRule = toolRule.superRefine((rule, context) => {
  const message = refuseRuleForm(rule);
  if (message !== null) context.addIssue({ code: 'custom', message });
});

const answerFields = z.strictObject({
  decision: z
    .enum(['allow', 'deny'])
    .optional()
    .describe('May the call be made? Any question may be denied.'),
  scope: approvalScope.optional().describe('With `allow`; `session`: such calls are not asked for again.'),
  updated_input: object.optional().describe("With `allow`: replaces the call's input; not empty."),
  rules: z
    .array(rememberedRule)
    .max(50)
    .optional()
    .describe(
      'With `session`: the rules that are remembered, instead of those suggested; `[]` is this call alone.',
    ),
  permission_mode: modeAfterPlan
    .optional()
    .describe('With `allow` of a plan: the mode that the session has from then on, `default` unless given.'),
  message: z.string().max(10_000).optional().describe('With `deny`: the reason, which the model reads.'),
  interrupt: z.boolean().optional().describe('With `deny`: also ends the turn.'),
  answers: z
    .record(z.string(), z.union([z.string(), z.array(z.string()).max(100)]))
    .optional()
    .describe('To a question of the agent: the answer to each, by its text.'),
  result: toolResult.optional().describe('Of a client tool.'),
});
type AnswerFields = z.infer<typeof answerFields>;

/** Which of the other fields go with which answer. */
const companions = {
  allow: ['scope', 'updated_input', 'rules', 'permission_mode'],
  deny: ['message', 'interrupt'],
  answers: [],
  result: [],
} as const;

/** `POST /approvals/{approval_id}`: exactly one of `decision`, `answers` and `result`. */
export const answerRequest = answerFields
  .superRefine((given, context) => {
    const kinds = (['decision', 'answers', 'result'] as const).filter((name) => given[name] !== undefined);
    const [kind = 'decision'] = kinds;
    if (kinds.length !== 1) {
      const message = 'expected exactly one of decision ("allow" or "deny"), answers and result';
      context.addIssue({ code: 'custom', path: [kind], message });
      return;
    }
    const fitting: readonly string[] = companions[kind === 'decision' ? (given.decision ?? 'allow') : kind];
    for (const [decision, names] of [
      ['allow', companions.allow],
      ['deny', companions.deny],
    ] as const) {
      for (const name of names) {
        if (given[name] === undefined || fitting.includes(name)) continue;
        context.addIssue({ code: 'custom', path: [name], message: `goes with "${decision}"` });
      }
    }
    if (given.rules !== undefined && given.scope !== 'session') {
      context.addIssue({ code: 'custom', path: ['rules'], message: 'goes with the scope "session"' });
    }
    if (given.scope === 'session' && given.updated_input !== undefined) {
      const message = 'holds for calls as they were asked for: leave updated_input out';
      context.addIssue({ code: 'custom', path: ['scope'], message });
    }
  })
  .meta({
    id: 'ApprovalAnswer',
    examples: [
      { decision: 'allow', scope: 'session' },
      { decision: 'allow', scope: 'session', rules: ['Bash(npm test *)'] },
      { decision: 'allow', permission_mode: 'acceptEdits' },
      { decision: 'deny', message: 'not on production' },
      { answers: { 'Which color?': 'green' } },
      { result: { content: '21 °C' } },
    ],
  });

export function toAnswer(given: AnswerFields): ApprovalAnswer {
  if (given.answers !== undefined) return { answers: given.answers };
  if (given.result !== undefined) return { result: given.result };
  if (given.decision === 'deny') {
    const message = given.message?.trim() === '' ? undefined : given.message;
    return { decision: 'deny', message, interrupt: given.interrupt ?? false };
  }
  const { scope = 'once', updated_input, rules, permission_mode } = given;
  return { decision: 'allow', scope, updated_input, rules, permission_mode };
}

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
