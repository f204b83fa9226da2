import { z } from 'zod';
import { text, variables } from './text-fields.ts';
import { CLIENT_TOOL_SERVER } from './tools.ts';

const MAX_SERVERS = 20;

// Tools are called `mcp__<server>__<tool>`: a name with `__` in it could pass for another server's tool.
const serverName = /^(?!.*__)[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

const headers = z.record(z.string(), text).superRefine((given, context) => {
  for (const [name, value] of Object.entries(given)) {
    if (!headerName.test(name))
      context.addIssue({ code: 'custom', path: [name], message: 'is not a header name' });
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      context.addIssue({ code: 'custom', path: [name], message: 'has a character that no header may have' });
    }
  }
});

const timeout_s = z
  .int()
  .min(1)
  .max(86_400)
  .optional()
  .describe('How long a call of one of its tools may take, in seconds.');

const remote = {
  url: z
    .string()
    .max(2_000, { abort: true })
    .check(z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' })),
  headers: headers.optional(),
  timeout_s,
};

export const mcpServer = z
  .discriminatedUnion(
    'type',
    [
      z.strictObject({ type: z.literal('http'), ...remote }),
      z.strictObject({ type: z.literal('sse'), ...remote }),
      z.strictObject({
        type: z.literal('stdio'),
        command: text.min(1),
        args: z.array(text).max(100).optional(),
        env: variables.optional(),
        timeout_s,
      }),
    ],
    { error: (issue) => (issue.code === 'invalid_union' ? 'expected "http", "sse" or "stdio"' : undefined) },
  )
  .meta({ id: 'McpServer' });
export type McpServer = z.infer<typeof mcpServer>;

/** By name. Their tools are called `mcp__<name>__<tool>`. */
export const mcpServers = z.record(z.string(), mcpServer).superRefine((servers, context) => {
  const names = Object.keys(servers);
  if (names.length > MAX_SERVERS) {
    context.addIssue({ code: 'custom', message: `must not be more than ${MAX_SERVERS}` });
  }
  for (const name of names) {
    const message = refuseName(name);
    if (message !== null) context.addIssue({ code: 'custom', path: [name], message });
  }
});

function refuseName(name: string): string | null {
  if (name === CLIENT_TOOL_SERVER) return 'is the name of the server of client_tools: choose another';
  if (serverName.test(name)) return null;
  return 'a server name has letters, digits, "-" and single "_", at most 64';
}
