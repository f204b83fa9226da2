import type {
  CanUseTool,
  HookCallback,
  HookJSONOutput,
  Options,
  PermissionResult,
  PermissionRuleValue,
} from '@anthropic-ai/claude-agent-sdk';
import { CLIENT_TOOL_SERVER } from './tools.ts';

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
};

export type ToolDecision =
  /** `rules` hold for the rest of the process. */
  | { behavior: 'allow'; input: Record<string, unknown>; rules: readonly string[] }
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
  asked: { tools: boolean; clientTools: boolean },
): Pick<Options, 'canUseTool' | 'hooks'> | null {
  if (!asked.tools && !asked.clientTools) return null;
  return {
    ...(asked.tools ? { canUseTool: canUseTool(decide) } : {}),
    ...(asked.clientTools ? { hooks: { PreToolUse: [clientToolHook(decide)] } } : {}),
  };
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
    });
    if (decision.behavior === 'deny') return decision;
    const rules = decision.rules.map(parseRule);
    if (rules.length === 0) return { behavior: 'allow', updatedInput: decision.input };
    return {
      behavior: 'allow',
      updatedInput: decision.input,
      // Only for this process: the rest of the suggestions would write into the workspace, or change the mode.
      updatedPermissions: [{ type: 'addRules', rules, behavior: 'allow', destination: 'session' }],
    };
  };
}

const CLIENT_TOOL_PREFIX = `mcp__${CLIENT_TOOL_SERVER}__`;

function clientToolHook(decide: DecideToolCall) {
  const hook: HookCallback = async (input, toolUseId): Promise<HookJSONOutput> => {
    if (input.hook_event_name !== 'PreToolUse' || toolUseId === undefined) return {};
    const decision = await decide({
      toolName: input.tool_name,
      toolUseId,
      agentId: input.agent_id ?? null,
      input: input.tool_input as Record<string, unknown>,
      description: null,
      rules: [],
      isClientTool: true,
    });
    return {
      hookSpecificOutput: {
        hookEventName: 'PreToolUse',
        ...(decision.behavior === 'allow'
          ? { permissionDecision: 'allow', updatedInput: decision.input }
          : { permissionDecision: 'deny', permissionDecisionReason: decision.message }),
      },
      ...(decision.behavior === 'deny' && decision.interrupt
        ? { continue: false, stopReason: decision.message }
        : {}),
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

function suggestedRules(suggestions: Parameters<CanUseTool>[2]['suggestions']): string[] {
  return (suggestions ?? []).flatMap((suggestion) =>
    suggestion.type === 'addRules' && suggestion.behavior === 'allow' ? suggestion.rules.map(renderRule) : [],
  );
}

function renderRule({ toolName, ruleContent }: PermissionRuleValue): string {
  return ruleContent === undefined ? toolName : `${toolName}(${ruleContent})`;
}

function parseRule(rule: string): PermissionRuleValue {
  const match = /^([^(]+)\((.*)\)$/s.exec(rule);
  return match === null ? { toolName: rule } : { toolName: match[1] ?? rule, ruleContent: match[2] ?? '' };
}
