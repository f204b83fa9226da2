import { z } from 'zod';
import { scopes } from '../../ground/identity.ts';
import { limitFields } from '../api-key/api-key.ts';

const permission = z
  .object({
    allowed: z.boolean(),
    reason: z.string().nullable().describe('Why not, for people.'),
  })
  .meta({ id: 'Permission' });

const model = z.object({
  name: z.string(),
  is_alias: z.boolean().describe("The agent program's own name for the newest model of a family."),
  context_window: z.number().int().nullable().describe('Tokens; null where it is not known.'),
});

export const serverFacts = z.object({
  version: z.string(),
  isolation: z.string(),
  models: z.array(model).describe('Names to offer; others may be taken as well.'),
  default_model: z
    .string()
    .nullable()
    .describe("Of sessions that name none; null is the agent program's own."),
  demo_model: z.boolean().describe('Whether the built-in demo model answers.'),
  workspace_roots: z.array(z.string()).describe("Directories that this tenant's sessions may work in."),
  egress_hosts: z.array(z.string()).describe('Hosts that isolated agents may be let connect to.'),
  mcp_stdio: z.boolean().describe('Whether MCP servers may be programs.'),
});

/** `GET /me` */
export const meView = z
  .object({
    tenant: z.string(),
    api_key_id: z.string().nullable().describe('null is the local user.'),
    name: z.string(),
    scopes: z.array(z.enum(scopes)).describe('With those that others include.'),
    limits: z.object({
      requests_per_second: limitFields.requests_per_second.nullable(),
      max_active_sessions: limitFields.max_active_sessions.nullable(),
      max_queued_turns: limitFields.max_queued_turns.nullable(),
    }),
    signed_in_by: z.enum(['local', 'key', 'cookie']),
    expires_at: z.string().nullable().describe('When this ends; of a cookie, unless it is used again.'),
    server: serverFacts,
    may: z
      .object({
        start_sessions: permission,
        answer_approvals: permission,
        bypass_permissions: permission,
        set_cwd: permission,
        mcp_stdio: permission,
        network: permission,
        manage_keys: permission,
      })
      .describe('What a form greys out, and why.'),
  })
  .meta({ id: 'Me' });
export type Me = z.infer<typeof meView>;
