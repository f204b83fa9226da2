import type {
  CanUseTool,
  HookCallback,
  HookJSONOutput,
  Options,
  PermissionResult,
  PermissionRuleValue,
  SyncHookJSONOutput,
} from '@anthropic-ai/claude-agent-sdk';
import type { ClientTool } from '../../session/options/fields.ts';
import { CLIENT_TOOL_SERVER } from '../../session/options/tools.ts';

/** A call that the main agent is about to make. */
export type CallOfTool = { toolName: string; toolUseId: string; input: Record<string, unknown> };

/** A tool call that somebody has to decide on. */
export type ToolCall = {
  toolName: string;
  toolUseId: string;
  /** The subagent that makes it; null is the main agent. */
  agentId: string | null;
  input: Record<string, unknown>;
  description: string | null;
  /** Permission rules that would cover calls like this one, such as `Bash(git status *)`. */
  rules: string[];
  isClientTool: boolean;
  /** Aborted when nobody needs the decision any more. */
  signal: AbortSignal;
};

export type ToolDecision =
  /** `mode` holds for the rest of the process. */
  | { behavior: 'allow'; input: Record<string, unknown>; mode?: 'default' | 'acceptEdits' }
  | { behavior: 'deny'; message: string; interrupt: boolean };

export type DecideToolCall = (call: ToolCall) => Promise<ToolDecision>;

/** Longer than any approval waits; the hook's default would be ten minutes. In seconds, as a timer can wait. */
const HOOK_TIMEOUT_S = 2_000_000;

/**
 * Who is asked about tool calls. Ordinary tools come here only where the agent program's own rules say "ask"; calls of
 * client tools always do, since somebody has to run them.
 */
export function permissionCallbacks(
  decide: DecideToolCall,
  asked: {
    tools: boolean;
    clientTools: readonly ClientTool[];
    beforeCall: BeforeCall;
  },
): Pick<Options, 'canUseTool' | 'hooks'> {
  const hooks = [
    noteHook(asked.beforeCall),
    ...(asked.clientTools.length === 0 ? [] : [clientToolHook(decide, asked.clientTools)]),
  ];
  return {
    ...(asked.tools ? { canUseTool: canUseTool(decide) } : {}),
    hooks: { PreToolUse: hooks },
  };
}

/** Told of each call of the main agent before its tool may run. @returns `ask`: whatever would let it run without asking */
export type BeforeCall = (call: CallOfTool) => Promise<'ask' | undefined>;

/** Sees every call of the main agent, before anybody is asked about it. One that it cannot be told of is not made. */
function noteHook(beforeCall: BeforeCall) {
  const hook: HookCallback = async (input, toolUseId): Promise<HookJSONOutput> => {
    const isMain = input.hook_event_name === 'PreToolUse' && input.agent_id === undefined;
    if (!isMain || toolUseId === undefined) return {};
    const { tool_name: toolName, tool_input } = input;
    const call = { toolName, toolUseId, input: tool_input as Record<string, unknown> };
    const decision = await beforeCall(call);
    if (decision === undefined) return {};
    return { hookSpecificOutput: { hookEventName: 'PreToolUse', permissionDecision: decision } };
  };
  return { onFailure: 'block' as const, timeout: HOOK_TIMEOUT_S, hooks: [hook] };
}

function canUseTool(decide: DecideToolCall): CanUseTool {
  return async (toolName, input, options): Promise<PermissionResult> => {
    const decision = await decide({
      toolName,
      toolUseId: options.toolUseID,
      agentId: options.agentID ?? null,
      input,
      description: options.title ?? options.description ?? options.decisionReason ?? null,
      rules: suggestedRules(options.suggestions),
      isClientTool: toolName.startsWith(CLIENT_TOOL_PREFIX),
      signal: options.signal,
    });
    if (decision.behavior === 'deny') return decision;
    const { input: updatedInput, mode } = decision;
    if (mode === undefined) return { behavior: 'allow', updatedInput };
    // The suggested updates would write into the workspace.
    return {
      behavior: 'allow',
      updatedInput,
      updatedPermissions: [{ type: 'setMode', mode, destination: 'session' }],
    };
  };
}

const CLIENT_TOOL_PREFIX = `mcp__${CLIENT_TOOL_SERVER}__`;

function clientToolHook(decide: DecideToolCall, tools: readonly ClientTool[]) {
  const changing = new Set(tools.filter((tool) => tool.read_only !== true).map((tool) => tool.name));
  const hook: HookCallback = async (input, toolUseId, { signal }): Promise<HookJSONOutput> => {
    if (input.hook_event_name !== 'PreToolUse' || toolUseId === undefined) return {};
    // The agent program refuses these only after somebody has answered.
    const name = input.tool_name.slice(CLIENT_TOOL_PREFIX.length);
    if (input.permission_mode === 'plan' && changing.has(name)) return denial(PLAN_MODE);
    const decision = await decide({
      toolName: input.tool_name,
      toolUseId,
      agentId: input.agent_id ?? null,
      input: input.tool_input as Record<string, unknown>,
      description: null,
      rules: [],
      isClientTool: true,
      signal,
    });
    if (decision.behavior === 'deny') {
      const stop = decision.interrupt ? { continue: false, stopReason: decision.message } : {};
      return { ...denial(decision.message), ...stop };
    }
    return {
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        permissionDecision: 'allow',
        updatedInput: decision.input,
      },
    };
  };
  // A hook that throws would let the tool run.
  return {
    matcher: `${CLIENT_TOOL_PREFIX}.*`,
    onFailure: 'block' as const,
    timeout: HOOK_TIMEOUT_S,
    hooks: [hook],
  };
}

const PLAN_MODE = 'In plan mode only tools that change nothing can be called.';

function denial(reason: string): SyncHookJSONOutput {
  return {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: reason,
    },
  };
}

function suggestedRules(suggestions: Parameters<CanUseTool>[2]['suggestions']): string[] {
  return (suggestions ?? []).flatMap((suggestion) =>
    suggestion.type === 'addRules' && suggestion.behavior === 'allow' ? suggestion.rules.map(renderRule) : [],
  );
}

function renderRule({ toolName, ruleContent }: PermissionRuleValue): string {
  return ruleContent === undefined ? toolName : `${toolName}(${ruleContent})`;
}
