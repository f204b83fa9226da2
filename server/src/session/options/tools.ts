/**
 * The built-in tools that an agent is offered. A list of what is there, not of what is not: tools that wake a session
 * (Cron*, ScheduleWakeup, Monitor, Workflow) or reach into another one (ListAgents, SendMessage) stay out, whatever a
 * new version of the agent program adds.
 */
export const offeredTools = [
  'Agent',
  'Bash',
  'Edit',
  'Glob',
  'Grep',
  'NotebookEdit',
  'Read',
  'TaskCreate',
  'TaskGet',
  'TaskList',
  'TaskUpdate',
  'WebFetch',
  'WebSearch',
  'Write',
] as const;

/** Offered as well where somebody can be asked. */
export const askingTools = ['AskUserQuestion', 'ExitPlanMode'] as const;

/** Offered as well where the agent may work in the background. */
export const backgroundTools = ['TaskStop'] as const;

/** Every name that a request may list. */
export const knownTools = [...offeredTools, ...askingTools, ...backgroundTools] as const;

/** The MCP server whose tools the caller runs. */
export const CLIENT_TOOL_SERVER = 'client';
