import { z } from 'zod';
import { schemaProblem } from '../../ground/json-schema/fit.ts';
import type { SchemaUse } from '../../ground/json-schema/schema.ts';
import { didYouMean } from '../../ground/util/suggest.ts';
import { mcpServers } from './mcp-servers.ts';
import { fits, fitsAsJson, TOO_LONG_IN_ALL, text, variablesUnless } from './text-fields.ts';
import { knownTools } from './tools.ts';
import { isDeniedVariable } from './variables.ts';

const DAY_S = 86_400;

export const permissionMode = z.enum(['default', 'acceptEdits', 'plan', 'bypassPermissions']);
export const approvalPolicy = z.enum(['deny', 'ask']);
const effort = z.enum(['low', 'medium', 'high', 'xhigh', 'max']);
const modelName = text.trim().max(200);
// Goes to the agent program over its input, not as an argument.
const systemPrompt = text.max(500_000);

/** Of tools that other programs know; naming one that is not offered here does no harm. */
const toolsElsewhere = new Set([
  ...['BashOutput', 'EnterPlanMode', 'KillBash', 'KillShell', 'LS', 'Monitor', 'MultiEdit', 'NotebookRead'],
  ...['Skill', 'SlashCommand', 'Task', 'TaskOutput', 'TodoRead', 'TodoWrite', 'ToolSearch'],
]);

/** A rule that names no tool would deny nothing, or allow nothing, without a word. */
function refuseRule(rule: string): string | null {
  const name = /^([^()]+)(\(.*\))?$/s.exec(rule)?.[1]?.trim();
  if (name === undefined)
    return 'must be a tool name, or a name with a pattern, such as `Bash(git status:*)`';
  const isKnown = knownTools.some((known) => known === name) || toolsElsewhere.has(name);
  return isKnown || name.startsWith('mcp__') ? null : unknownTool(name);
}

/** By their names in small letters. */
const toolSpellings: ReadonlyMap<string, string> = new Map(
  knownTools.map((tool) => [tool.toLowerCase(), tool]),
);

/** Clients of the Python project write `bash,read,write`. */
function spellTool(rule: string): string {
  // Longer ones are no names of tools.
  const name = /^\w{1,100}/.exec(rule)?.[0] ?? '';
  const known = toolSpellings.get(name.toLowerCase());
  return known === undefined ? rule : known + rule.slice(name.length);
}

export const toolRule = text
  .trim()
  .min(1, 'a tool name must not be empty')
  .overwrite(spellTool)
  .superRefine((rule, context) => {
    const message = rule === '' ? null : refuseRule(rule);
    if (message !== null) context.addIssue({ code: 'custom', message });
  });

const toolRules = z
  .array(toolRule)
  .max(200)
  .refine((names) => fits(names.join()), TOO_LONG_IN_ALL);

function unknownTool(input: unknown): string {
  return `unknown tool${didYouMean(String(input), knownTools)}; allowed: ${knownTools.join(', ')}`;
}

const builtInTool = z.enum(knownTools, { error: ({ input }) => unknownTool(input) });

const anyTool = text
  .max(200)
  .refine((name) => name.startsWith('mcp__') || builtInTool.safeParse(name).success, {
    error: ({ input }) => `${unknownTool(input)}, mcp__<server>, mcp__<server>__<tool>`,
  });

const env = variablesUnless((name) =>
  isDeniedVariable(name)
    ? 'is set by the server, or would change what the agent runs, and cannot be given'
    : null,
);

// Names, and names below one: `*.example.com`. No address: those that are not private have names.
const hostPattern = text
  .trim()
  .toLowerCase()
  .max(253, { abort: true })
  .regex(/^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]([a-z0-9-]*[a-z0-9])?$/, {
    error: 'expected a host name such as api.example.com or *.example.com',
  });

const network = z
  .strictObject({
    allowed_hosts: z
      .array(hostPattern)
      .min(1)
      .max(100)
      .describe('Host names, or `*.` and one for all below it; by HTTPS and HTTP.'),
  })
  .meta({ id: 'Network' });

const agentDefinition = z
  .strictObject({
    description: text.min(1).max(10_000).describe('When to hand a task to this agent; the model reads it.'),
    prompt: text.min(1).max(100_000).describe('Its system prompt.'),
    tools: z.array(anyTool).max(200).optional().describe("Without it the agent has the session's tools."),
    disallowed_tools: z.array(anyTool).max(200).optional(),
    model: modelName.min(1).optional().describe('`inherit` is the model of the session.'),
    effort: effort.optional(),
    max_turns: z.int().min(1).max(100).optional(),
  })
  .meta({ id: 'AgentDefinition' });

const agentName = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const agents = z.record(z.string(), agentDefinition).superRefine((given, context) => {
  const names = Object.keys(given);
  if (names.length > 50) context.addIssue({ code: 'custom', message: 'must not be more than 50' });
  for (const name of names.filter((name) => !agentName.test(name))) {
    const message = 'an agent name has letters, digits, "-" and "_", at most 64';
    context.addIssue({ code: 'custom', path: [name], message });
  }
});

/** It goes to the agent made fit, see `fitSchema`, and is kept and shown as it came. */
function schemaFor(use: SchemaUse) {
  return z
    .looseObject({ type: z.literal('object', { error: 'must be "object"' }).optional() })
    .refine(fitsAsJson, { error: TOO_LONG_IN_ALL, abort: true })
    .superRefine((schema, context) => {
      const message = schemaProblem(schema, use);
      if (message !== null) context.addIssue({ code: 'custom', message });
    });
}

const outputFormat = z.strictObject({
  type: z.literal('json_schema', { error: 'expected "json_schema"' }),
  schema: schemaFor('answers').describe('JSON Schema of the answer, an object.'),
});

const clientTool = z
  .strictObject({
    name: text.regex(/^[A-Za-z0-9_-]{1,50}$/, 'a tool name has letters, digits, "-" and "_", at most 50'),
    description: text.min(1).max(10_000),
    input_schema: schemaFor('inputs').describe('JSON Schema of the input, an object.'),
    read_only: z
      .boolean()
      .optional()
      .describe('It changes nothing: several calls may wait for their answers side by side.'),
  })
  .meta({ id: 'ClientTool' });
export type ClientTool = z.infer<typeof clientTool>;

const clientTools = z
  .array(clientTool)
  .max(100)
  .superRefine((tools, context) => {
    const names = tools.map((tool) => tool.name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue;
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: 'there is another tool of this name',
      });
    }
  });

/**
 * What a session's agent runs with: every field that a request may give, each with its checks. Kept with the session.
 * Defaults are not stored but applied where the option is read, from `optionDefaults`.
 */
export const sessionOptionFields = {
  allowed_tools: toolRules.describe('Tools that run without asking, such as `Bash` or `Bash(git status:*)`.'),
  disallowed_tools: toolRules.describe('Tools that the agent does not get, or calls that are denied.'),
  tools: z
    .array(builtInTool)
    .max(50)
    .describe('The built-in tools that the agent is offered; without it all, with `[]` none.'),
  system_prompt: systemPrompt.describe('Replaces the default system prompt; blank means none.'),
  append_system_prompt: systemPrompt.describe('Added to the system prompt.'),
  permission_mode: permissionMode.describe('What runs without being allowed tool by tool.'),
  approvals: approvalPolicy.describe('What happens to a call that has to be allowed.'),
  approval_timeout_s: z
    .int()
    .min(1)
    .max(30 * DAY_S)
    .describe('How long an approval may wait for its answer, in seconds.'),
  approval_timeout_action: z
    .enum(['deny', 'end_turn'])
    .describe('What happens when nobody answers in time: the call is denied, or the turn ends.'),
  park_after_s: z
    .int()
    .min(0)
    .max(DAY_S)
    .describe('How long an approval may hold the agent process, in seconds; then the process ends.'),
  model: modelName.describe('`sonnet`, `opus`, `haiku` or a full model name.'),
  fallback_model: modelName.describe('Answers when the model is overloaded; a list is separated by commas.'),
  effort: effort.describe('How much effort the model makes.'),
  max_thinking_tokens: z
    .int()
    .min(0)
    .max(200_000)
    .refine((tokens) => tokens === 0 || tokens >= 1024, 'must be 0 (no thinking), or at least 1024')
    .describe('Tokens for thinking; 0 is no thinking.'),
  betas: z
    .array(z.enum(['context-1m-2025-08-07']))
    .max(10)
    .describe('Beta features of the model API.'),
  // Counted by the agent program; engine/seat/seat.ts takes off what earlier processes of the turn used.
  max_turns: z.int().min(1).max(100).describe('Model calls with tool use, at most.'),
  timeout_s: z
    .int()
    .min(1)
    .max(7 * DAY_S)
    .describe('How long a turn may take, in seconds; then it ends as `timeout`.'),
  on_interruption: z
    .enum(['end', 'continue', 'resume'])
    .describe('What becomes of a turn whose server or agent process died.'),
  env: env.describe("Variables for the agent's environment."),
  additional_directories: z
    .array(text.min(1))
    .max(20)
    .describe('Directories that the agent may use beside its working directory.'),
  mcp_servers: mcpServers
    .refine(fitsAsJson, TOO_LONG_IN_ALL)
    .describe('MCP servers, by name; their tools are `mcp__<name>__<tool>`.'),
  client_tools: clientTools.describe('Tools that the caller runs; they are `mcp__client__<name>`.'),
  agents: agents.describe('Subagents that the model can hand tasks to, by name.'),
  output_format: outputFormat.describe('The answer is an object that fits this schema.'),
  include_partial_messages: z.boolean().describe('Live streams show messages while they are being written.'),
  slash_commands: z
    .boolean()
    .describe('A prompt that begins with `/` is a command of the agent program, such as `/compact`.'),
  background_tasks: z.boolean().describe('Commands and subagents may go on in the background.'),
  network: network.describe(
    'Where an isolated agent may connect to, beside its MCP servers; nowhere without it.',
  ),
};

type Fields = typeof sessionOptionFields;
export type SessionOptions = { [Name in keyof Fields]?: z.infer<Fields[Name]> };
export type SessionOptionName = keyof Fields;
export const sessionOptionNames = Object.keys(sessionOptionFields) as SessionOptionName[];

/** What holds where a session's options say nothing. */
export const optionDefaults = {
  permission_mode: 'default',
  approvals: 'deny',
  approval_timeout_s: DAY_S,
  approval_timeout_action: 'deny',
  park_after_s: 300,
  on_interruption: 'continue',
  include_partial_messages: true,
  slash_commands: false,
  background_tasks: false,
} as const satisfies SessionOptions;

/** A change of these holds at once. */
const live: ReadonlySet<string> = new Set([
  'model',
  'permission_mode',
  'approval_timeout_s',
  'approval_timeout_action',
  'park_after_s',
] satisfies SessionOptionName[]);

/**
 * The options that a turn began with, but for those of the session's that hold at once. No agent begins to bypass permissions
 * in the middle of a turn.
 */
export function withLiveOptions(began: SessionOptions, now: SessionOptions): SessionOptions {
  const kept = Object.entries(began).filter(([name]) => !live.has(name));
  const changed = Object.entries(now).filter(([name]) => live.has(name));
  const options: SessionOptions = Object.fromEntries([...kept, ...changed]);
  return now.permission_mode === 'bypassPermissions' ? withMode(options, began.permission_mode) : options;
}

/** The same in another permission mode; undefined is the default. */
export function withMode(options: SessionOptions, mode: SessionOptions['permission_mode']): SessionOptions {
  const { permission_mode: _, ...rest } = options;
  return mode === undefined ? rest : { ...rest, permission_mode: mode };
}

type Nullish<Shape extends z.ZodRawShape> = {
  [Name in keyof Shape]: z.ZodOptional<z.ZodNullable<Shape[Name] & z.ZodType>>;
};

/** The same fields for a request, where a field that is null counts as not given. */
export function nullishFields<Shape extends Record<string, z.ZodType>>(shape: Shape): Nullish<Shape> {
  const entries = Object.entries(shape).map(([name, field]) => [
    name,
    field.nullish().describe(field.description ?? ''),
  ]);
  return Object.fromEntries(entries) as Nullish<Shape>;
}

/** The options among a request's fields; those that are null or blank are left out. */
export function toSessionOptions(request: OptionRequest): SessionOptions {
  const given = sessionOptionNames.flatMap((name) => {
    const value = request[name];
    return value === undefined || saysNothing(value) ? [] : [[name, value]];
  });
  return Object.fromEntries(given) as SessionOptions;
}

/** The options that a request names and says nothing of: a change removes them. */
export function blankOptions(request: OptionRequest): SessionOptionName[] {
  return sessionOptionNames.filter((name) => saysNothing(request[name]));
}

type OptionRequest = { [Name in SessionOptionName]?: unknown };

function saysNothing(value: unknown): boolean {
  return value === null || (typeof value === 'string' && value.trim() === '');
}
