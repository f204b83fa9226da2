import type { Options, SessionStore } from '@anthropic-ai/claude-agent-sdk';
import type { SessionOptions } from '../session/session.ts';
import { offeredTools } from './tools.ts';

export type OptionsSource = {
  requested: SessionOptions;
  /** Of sessions that name none; null leaves the choice to the agent program. */
  defaultModel: string | null;
  cwd: string;
  environment: Record<string, string>;
  sessionStore: SessionStore;
  /** Resume the conversation that the store holds, or start it under this id. */
  conversation: { id: string; exists: boolean };
  spawn: NonNullable<Options['spawnClaudeCodeProcess']>;
};

/** The SDK options of every agent process. A request can narrow them, never widen them. */
export function agentOptions(source: OptionsSource): Options {
  const { requested, conversation } = source;
  const model = requested.model ?? source.defaultModel;
  return {
    cwd: source.cwd,
    env: source.environment,
    tools: [...offeredTools],
    allowedTools: requested.allowed_tools ?? [],
    disallowedTools: requested.disallowed_tools ?? [],
    permissionMode: requested.permission_mode ?? 'default',
    ...(requested.permission_mode === 'bypassPermissions' ? { allowDangerouslySkipPermissions: true } : {}),
    ...(requested.system_prompt === undefined ? {} : { systemPrompt: requested.system_prompt }),
    ...(requested.max_turns === undefined ? {} : { maxTurns: requested.max_turns }),
    ...(model === null ? {} : { model }),
    ...(conversation.exists ? { resume: conversation.id } : { sessionId: conversation.id }),
    // Settings of a repository can run commands and move the model traffic: none are read.
    settingSources: [],
    settings: { crossSessionInbound: 'refuse', cleanupPeriodDays: 36_500 },
    strictMcpConfig: true,
    mcpServersDelivery: 'initialize',
    pluginDelivery: 'initialize',
    // No slash commands and no @file expansion: a prompt is text.
    verbatimPrompts: true,
    sessionStore: source.sessionStore,
    // Batched, a killed server would lose the whole turn.
    sessionStoreFlush: 'eager',
    spawnClaudeCodeProcess: source.spawn,
  };
}
