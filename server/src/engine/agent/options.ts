import type {
  AgentDefinition,
  McpServerConfig,
  Options,
  SessionStore,
  ThinkingConfig,
} from '@anthropic-ai/claude-agent-sdk';
import { fitSchema } from '../../ground/json-schema/fit.ts';
import { optionDefaults } from '../../session/options/fields.ts';
import {
  askingTools,
  backgroundTools,
  CLIENT_TOOL_SERVER,
  offeredTools,
} from '../../session/options/tools.ts';
import type { SessionOptions } from '../../session/session.ts';
import { type AnswerClientTool, createClientToolServer } from './client-tools.ts';

export type OptionsSource = {
  requested: SessionOptions;
  /** Of sessions that name none; null leaves the choice to the agent program. */
  defaultModel: string | null;
  /** The name under which an agent asks for a model. */
  nameModel: (model: string) => string;
  cwd: string;
  environment: Record<string, string>;
  sessionStore: SessionStore;
  /** Resume the conversation that the store holds, or start it under this id. */
  conversation: { id: string; exists: boolean };
  /** Who is asked about tool calls; null is nobody. */
  asks: Pick<Options, 'canUseTool' | 'hooks'> | null;
  /** Who answers calls of the session's client tools; null offers none. */
  answerClientTool: AnswerClientTool | null;
  spawn: NonNullable<Options['spawnClaudeCodeProcess']>;
};

/** The SDK options of every agent process. A request can narrow them, never widen them. */
export function agentOptions(source: OptionsSource): Options {
  const { requested, conversation } = source;
  return {
    cwd: source.cwd,
    env: source.environment,
    ...permissions(source),
    ...modelOptions(source),
    ...promptOptions(requested),
    ...workOptions(source),
    ...(conversation.exists ? { resume: conversation.id } : { sessionId: conversation.id }),
    // Settings of a repository can run commands and move the model traffic: none are read.
    settingSources: [],
    settings: {
      crossSessionInbound: 'refuse',
      cleanupPeriodDays: 36_500,
      // Not `allowedTools`: the SDK would print a warning for every tool that is not asked for.
      permissions: { allow: allowedRules(source) },
      // It would ask a service about every host, and reaches only those of the session.
      ...(requested.network === undefined ? {} : { skipWebFetchPreflight: true }),
    },
    strictMcpConfig: true,
    // Over its input: what is on a command line shows in the process list, headers and all.
    mcpServersDelivery: 'initialize',
    pluginDelivery: 'initialize',
    ...rulesOverInput,
    includePartialMessages: requested.include_partial_messages ?? optionDefaults.include_partial_messages,
    forwardSubagentText: true,
    // An interrupt stops the turn and leaves background tasks alone; they are stopped one by one.
    perTaskStopAffordance: true,
    sessionStore: source.sessionStore,
    // Batched, a killed server would lose the whole turn.
    sessionStoreFlush: 'eager',
    spawnClaudeCodeProcess: source.spawn,
  };
}

/** The same for permission rules. The options are not in the SDK's types. */
const rulesOverInput = {
  settingsDelivery: 'initialize',
  disallowedToolsDelivery: 'initialize',
} as Partial<Options>;

/** What the options allow. */
export function allowedRules({
  requested,
  answerClientTool,
}: Pick<OptionsSource, 'requested' | 'answerClientTool'>): string[] {
  const allowed = requested.allowed_tools ?? [];
  const answersClientTools = answerClientTool !== null && requested.client_tools !== undefined;
  // Whoever runs a tool decides about it as well.
  return answersClientTools ? [...allowed, `mcp__${CLIENT_TOOL_SERVER}`] : allowed;
}

function permissions({ requested, asks }: OptionsSource): Options {
  const mode = requested.permission_mode ?? optionDefaults.permission_mode;
  return {
    tools: toolsOf(requested, asks !== null),
    disallowedTools: requested.disallowed_tools ?? [],
    permissionMode: mode,
    ...(mode === 'bypassPermissions' ? { allowDangerouslySkipPermissions: true } : {}),
    ...asks,
  };
}

/** Tools that ask are there only for sessions in which somebody answers. */
function toolsOf(requested: SessionOptions, canAsk: boolean): string[] {
  const asking = canAsk && requested.approvals === 'ask' ? askingTools : [];
  const background = requested.background_tasks === true ? backgroundTools : [];
  const available: string[] = [...offeredTools, ...asking, ...background];
  const wanted: readonly string[] = requested.tools ?? available;
  return available.filter((name) => wanted.includes(name));
}

function modelOptions({ requested, defaultModel, nameModel }: OptionsSource): Options {
  const { fallback_model, max_thinking_tokens } = requested;
  const model = mapDefined(requested.model ?? defaultModel ?? undefined, nameModel);
  const fallback = mapDefined(fallback_model, (names) =>
    names
      .split(',')
      .map((name) => nameModel(name.trim()))
      .join(),
  );
  return defined({
    model,
    // The SDK refuses a fallback to the model itself; a resume may have brought the two together.
    fallbackModel: fallback === model ? undefined : fallback,
    effort: requested.effort,
    thinking: max_thinking_tokens === undefined ? undefined : thinking(max_thinking_tokens),
    betas: requested.betas,
    maxTurns: requested.max_turns,
  });
}

function thinking(tokens: number): ThinkingConfig {
  return tokens === 0 ? { type: 'disabled' } : { type: 'enabled', budgetTokens: tokens };
}

function promptOptions(requested: SessionOptions): Options {
  const { output_format } = requested;
  const prompts = [requested.system_prompt, requested.append_system_prompt].filter(
    (prompt) => prompt !== undefined,
  );
  return defined({
    // Not recorded with the conversation: a resume may bring another one.
    systemPrompt:
      prompts.length === 0 ? undefined : { type: 'custom', prompt: prompts.join('\n\n'), snapshot: false },
    outputFormat:
      output_format === undefined
        ? undefined
        : { ...output_format, schema: fitSchema(output_format.schema, 'answers') },
    // A prompt is text: no slash commands unless the session wants them, and no @file expansion in any case.
    verbatimPrompts: !(requested.slash_commands ?? optionDefaults.slash_commands),
  });
}

function workOptions({ requested, answerClientTool, nameModel }: OptionsSource): Options {
  const { client_tools, mcp_servers, agents } = requested;
  const servers = Object.entries(mcp_servers ?? {}).map(([name, server]) => [name, toServerConfig(server)]);
  const client =
    client_tools === undefined || answerClientTool === null
      ? {}
      : { [CLIENT_TOOL_SERVER]: createClientToolServer(client_tools, answerClientTool) };
  return defined({
    additionalDirectories: requested.additional_directories,
    mcpServers: { ...Object.fromEntries(servers), ...client },
    agents: mapDefined(agents, (given) => mapValues(given, (agent) => toAgentDefinition(agent, nameModel))),
  });
}

type RequestedServer = NonNullable<SessionOptions['mcp_servers']>[string];

function toServerConfig({ timeout_s, ...server }: RequestedServer): McpServerConfig {
  return { ...server, ...(timeout_s === undefined ? {} : { timeout: timeout_s * 1000 }) } as McpServerConfig;
}

type RequestedAgent = NonNullable<SessionOptions['agents']>[string];

function toAgentDefinition(
  { description, prompt, ...agent }: RequestedAgent,
  nameModel: OptionsSource['nameModel'],
): AgentDefinition {
  const { tools, disallowed_tools: disallowedTools, effort, max_turns: maxTurns } = agent;
  const model = mapDefined(agent.model, nameModel);
  return { description, prompt, ...defined({ tools, disallowedTools, model, effort, maxTurns }) };
}

/** Without the keys that have no value: to the SDK, one that is undefined may differ from one that is missing. */
function defined<T extends object>(values: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as T;
}

function mapDefined<In, Out>(value: In | undefined, change: (value: In) => Out): Out | undefined {
  return value === undefined ? undefined : change(value);
}

function mapValues<In, Out>(values: Record<string, In>, change: (value: In) => Out): Record<string, Out> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
