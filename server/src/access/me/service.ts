import type { Context } from '../../context.ts';
import { knownModels } from '../../engine/gateway/known-models.ts';
import { rootsOf } from '../../ground/config/roots.ts';
import { type Identity, lackOf, mayUse, type Scope, scopes } from '../../ground/identity.ts';
import { version } from '../../ground/version.ts';
import { mayRunPrograms, optionRefusals } from '../../session/options/policy.ts';
import { findKey } from '../api-key/service.ts';
import { endOf, type SignIn } from '../sign-in/ring.ts';
import type { Me } from './me.ts';

type Caller = { identity: Identity; signIn: SignIn | null };
type Permission = Me['may'][keyof Me['may']];

/** Who asks, what they may, and what the server offers them. */
export async function describeMe(context: Context, { identity, signIn }: Caller): Promise<Me> {
  const { limits } = identity;
  return {
    tenant: identity.tenantId,
    api_key_id: identity.apiKeyId,
    name: identity.name,
    scopes: scopes.filter((scope) => mayUse(identity, scope)),
    limits: {
      requests_per_second: limits.requestsPerSecond,
      max_active_sessions: limits.maxActiveSessions,
      max_queued_turns: limits.maxQueuedTurns,
    },
    signed_in_by: signIn !== null ? 'cookie' : identity.apiKeyId === null ? 'local' : 'key',
    expires_at: (await findEnd(context, { identity, signIn }))?.toISOString() ?? null,
    server: describeServer(context, identity),
    may: describePermissions(context, identity),
  };
}

async function findEnd({ apiKeys }: Context, { identity, signIn }: Caller): Promise<Date | null> {
  if (signIn !== null) return endOf(signIn);
  if (identity.apiKeyId === null) return null;
  return (await findKey(apiKeys, identity.apiKeyId))?.expires_at ?? null;
}

function describeServer(context: Context, { tenantId }: Identity): Me['server'] {
  const { config, driver, prices, upstream } = context;
  return {
    version,
    isolation: driver.name,
    models: knownModels(config, prices).map(({ name, isAlias, contextWindow }) => {
      return { name, is_alias: isAlias, context_window: contextWindow };
    }),
    default_model: config.model,
    demo_model: upstream.kind === 'demo',
    workspace_roots: rootsOf(config.workspaceRoots, tenantId),
    egress_hosts: config.egressHosts,
    mcp_stdio: mayRunPrograms(context),
  };
}

function describePermissions(context: Context, identity: Identity): Me['may'] {
  const start = byScope(identity, 'sessions:write');
  const refusals = optionRefusals(context, identity);
  const withStart = (refusal: { message: string } | null): Permission =>
    start.allowed ? toPermission(refusal?.message ?? null) : start;
  return {
    start_sessions: start,
    answer_approvals: byScope(identity, 'approvals'),
    bypass_permissions: withStart(refusals.bypass),
    set_cwd: withStart(refusals.cwd),
    mcp_stdio: withStart(refusals.stdio),
    network: withStart(refusals.network),
    manage_keys: byScope(identity, 'admin'),
  };
}

function byScope(identity: Identity, scope: Scope): Permission {
  return toPermission(mayUse(identity, scope) ? null : lackOf(identity, scope));
}

function toPermission(reason: string | null): Permission {
  return { allowed: reason === null, reason };
}
