/** Calls of tools that the agent of a running turn was let make: they may have run. */
export type LetThroughCallTable = {
  session_id: string;
  tool_use_id: string;
  tenant_id: string;
  turn_id: string;
  tool_name: string;
  /** The beginning of it, as JSON. */
  input: string;
  /** The message that told the agent that nobody knows what came of it. */
  told_in: string | null;
};
