import type { EventDraft } from '../../session/event/event.ts';
import type { AgentMessage } from '../agent/agent-process.ts';

// Of the agent's messages, those that only say how things stand at the moment; they are not kept.
const passingTypes = new Set([
  'stream_event',
  'tool_progress',
  'command_lifecycle',
  'keep_alive',
  'prompt_suggestion',
  'control_request',
  'control_response',
  'control_cancel_request',
]);
const passingSubtypes = new Set([
  'status',
  'thinking_tokens',
  'session_state_changed',
  'task_progress',
  'task_updated',
  'background_tasks_changed',
  'commands_changed',
  'hook_started',
  'hook_progress',
  'hook_response',
]);

/** What of an agent's message goes into the log: the message verbatim, or nothing. Unknown kinds are kept. */
export function translate(message: AgentMessage, turnId: string | null, at: Date): EventDraft[] {
  const { type, subtype } = message as { type: string; subtype?: string };
  if (passingTypes.has(type)) return [];
  if (type === 'system' && subtype !== undefined && passingSubtypes.has(subtype)) return [];
  return [{ kind: 'sdk', data: message as EventDraft['data'] & { type: string }, turnId, at }];
}
