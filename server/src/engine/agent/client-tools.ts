import type { McpSdkServerConfigWithInstance } from '@anthropic-ai/claude-agent-sdk';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { fitSchema } from '../../ground/json-schema/fit.ts';
import type { ClientTool } from '../../session/options/fields.ts';
import { CLIENT_TOOL_SERVER } from '../../session/options/tools.ts';
import type { ContentBlock } from '../../session/turn/turn.ts';

export type ClientToolCall = { toolUseId: string; name: string; input: Record<string, unknown> };
export type ClientToolAnswer = { content: string | ContentBlock[]; is_error: boolean };

/** Gives what the caller answered to a call. */
export type AnswerClientTool = (call: ClientToolCall) => Promise<ClientToolAnswer>;

/** How the agent program names, in a call's `_meta`, the tool use that it belongs to. */
const TOOL_USE_ID = 'claudecode/toolUseId';

/**
 * The tools that the caller runs, as an MCP server in this process. The schemas go to the model, which may not follow
 * them; input is for the caller to check.
 */
export function createClientToolServer(
  tools: readonly ClientTool[],
  answer: AnswerClientTool,
): McpSdkServerConfigWithInstance {
  // The high-level class only because the SDK's types ask for it: its own registry wants zod schemas.
  const instance = new McpServer({ name: CLIENT_TOOL_SERVER, version: '1' }, { capabilities: { tools: {} } });
  instance.server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: tools.map(describeTool) }));
  instance.server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
    const toolUseId = params._meta?.[TOOL_USE_ID];
    if (typeof toolUseId !== 'string') throw new Error('the call does not say which tool use it belongs to');
    return toResult(await answer({ toolUseId, name: params.name, input: params.arguments ?? {} }));
  });
  return { type: 'sdk', name: CLIENT_TOOL_SERVER, instance };
}

function describeTool({ name, description, input_schema, read_only = false }: ClientTool): Tool {
  return {
    name,
    description,
    // Its root says that it is an object.
    inputSchema: fitSchema(input_schema, 'inputs') as Tool['inputSchema'],
    // Calls of tools that only read are made side by side.
    annotations: { readOnlyHint: read_only },
    // In the prompt from the start, not behind a search for tools.
    _meta: { 'anthropic/alwaysLoad': true },
  };
}

function toResult({ content, is_error }: ClientToolAnswer): CallToolResult {
  const blocks: ContentBlock[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
  return {
    content: blocks.map((block) =>
      block.type === 'text'
        ? block
        : { type: 'image', data: block.source.data, mimeType: block.source.media_type },
    ),
    isError: is_error,
  };
}
