import type { ExecuteRequest } from '@greenroom/client';

/*
 * Every option that a session may start with, in the order in which the form has them. What is valid the server says
 * (`POST /execute/validate`); here stands how a value is entered.
 */

/** `lines` is a list of strings, one a line; `pairs` an object of strings, `NAME=value` a line; `json` anything else. */
export type Control =
  | { kind: 'text' | 'lines' | 'pairs' | 'long' | 'json' }
  | { kind: 'number'; min: number; step: number }
  | { kind: 'switch'; default: boolean }
  | { kind: 'choice'; choices: readonly string[]; default: string };

export type FieldName = Exclude<
  keyof ExecuteRequest,
  'prompt' | 'content' | 'resume_session_id' | 'fork_session' | 'preset_id'
>;

/** What of `me.may` must be allowed for the field, or for the one choice of it that is named. */
export type Need = { may: 'set_cwd' | 'network' | 'bypass_permissions'; choice?: string };

export type FormField = { name: FieldName; control: Control; need?: Need };
export type FieldGroup = { name: GroupName; fields: readonly FormField[] };
export type GroupName =
  | 'basic'
  | 'permissions'
  | 'model'
  | 'workspace'
  | 'limits'
  | 'extensions'
  | 'advanced';

const text = { kind: 'text' } as const;
const lines = { kind: 'lines' } as const;
const json = { kind: 'json' } as const;
const long = { kind: 'long' } as const;
const pairs = { kind: 'pairs' } as const;
const count = (min: number): Control => ({ kind: 'number', min, step: 1 });
const choice = (fallback: string, ...others: string[]): Control => ({
  kind: 'choice',
  choices: [fallback, ...others],
  default: fallback,
});

export const fieldGroups: readonly FieldGroup[] = [
  {
    name: 'basic',
    fields: [
      { name: 'model', control: text },
      {
        name: 'permission_mode',
        control: choice('default', 'acceptEdits', 'plan', 'bypassPermissions'),
        need: { may: 'bypass_permissions', choice: 'bypassPermissions' },
      },
      { name: 'approvals', control: choice('deny', 'ask') },
      { name: 'cwd', control: text, need: { may: 'set_cwd' } },
      { name: 'title', control: text },
      { name: 'max_budget_usd', control: { kind: 'number', min: 0, step: 0.01 } },
    ],
  },
  {
    name: 'permissions',
    fields: [
      { name: 'allowed_tools', control: lines },
      { name: 'disallowed_tools', control: lines },
      { name: 'tools', control: lines },
      { name: 'approval_timeout_s', control: count(1) },
      { name: 'approval_timeout_action', control: choice('deny', 'end_turn') },
      { name: 'park_after_s', control: count(0) },
    ],
  },
  {
    name: 'model',
    fields: [
      { name: 'effort', control: choice('', 'low', 'medium', 'high', 'xhigh', 'max') },
      { name: 'fallback_model', control: text },
      { name: 'max_thinking_tokens', control: count(0) },
      { name: 'system_prompt', control: long },
      { name: 'append_system_prompt', control: long },
      { name: 'betas', control: lines },
    ],
  },
  {
    name: 'workspace',
    fields: [
      { name: 'additional_directories', control: lines, need: { may: 'set_cwd' } },
      { name: 'env', control: pairs },
      { name: 'network', control: json, need: { may: 'network' } },
    ],
  },
  {
    name: 'limits',
    fields: [
      { name: 'max_turns', control: count(1) },
      { name: 'timeout_s', control: count(1) },
      { name: 'on_interruption', control: choice('continue', 'end') },
    ],
  },
  {
    name: 'extensions',
    fields: [
      { name: 'mcp_servers', control: json },
      { name: 'client_tools', control: json },
      { name: 'agents', control: json },
    ],
  },
  {
    name: 'advanced',
    fields: [
      { name: 'metadata', control: pairs },
      { name: 'output_format', control: json },
      { name: 'background_tasks', control: { kind: 'switch', default: false } },
      { name: 'slash_commands', control: { kind: 'switch', default: false } },
      { name: 'include_partial_messages', control: { kind: 'switch', default: true } },
    ],
  },
];

export const allFields: readonly FormField[] = fieldGroups.flatMap(({ fields }) => fields);
