/** The parts of a tool's name: `mcp__server__tool` is of a server; of the server `client`, the caller's own. */
export type ToolName = { server: string | null; tool: string };

export function readToolName(name: string): ToolName {
  const match = /^mcp__(.+?)__(.+)$/s.exec(name);
  return match === null ? { server: null, tool: name } : { server: match[1] ?? '', tool: match[2] ?? '' };
}
