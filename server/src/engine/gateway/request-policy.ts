import { z } from 'zod';
import { coversName } from '../../ground/util/host-name.ts';
import { Refusal } from './headers.ts';
import { meansModel } from './model-name.ts';
import type { OutlinedRequest } from './model-request.ts';
import type { Extent } from './price-list.ts';
import type { RequestOutline, ServerTool } from './request-outline.ts';

/** Fields whose whole cost is in the body, and which make the model API reach for nothing. */
const plainFields = new Set([
  'model',
  'messages',
  'max_tokens',
  'system',
  'tools',
  'tool_choice',
  'stream',
  'stop_sequences',
  'temperature',
  'top_k',
  'top_p',
  'thinking',
  'metadata',
  'betas',
  'cache_control',
  'compaction',
  'context_hint',
  'context_management',
  'diagnostics',
  'fallbacks',
  'fallback_credit_token',
  'output_config',
  'output_format',
  'resumption',
  'safeguards',
  'service_tier',
  'speed',
]);
/** The model API connects to servers for the agent, or lets it work in a machine of its own. */
const reachingFields = ['mcp_servers', 'container'];
/** Who pays, and where the model runs, is for the operator to say. */
const closedFields = ['billing_policy', 'inference_geo', 'user_profile_id', 'workspace_id'];

/** How often the model API samples in one request before it hands a loop of its own tools back. */
const MAX_ROUNDS = 10;
/** More than the model reads of a picture, or of the description that the model API has of one of its client tools. */
const DENSE_PART_TOKENS = 5_000;

/** In all tools of a request: each is compared with each host of the session. */
const MAX_DOMAINS = 200;

const definition = z.looseObject({
  max_uses: z.number().int().min(0).max(1000).nullish(),
  allowed_domains: z.array(z.string()).nullish(),
});

export type RequestPolicy = {
  /** Patterns of model names; none allows all. */
  allowedModels: readonly string[];
  /** Hosts that the session may connect to; null where nothing holds it back. */
  allowedHosts: readonly string[] | null;
};

/**
 * Throws a `Refusal` when a request is not the agent's to make: for its model, for what it would cost that no price
 * tells, or for what the model API would connect to in the agent's place.
 */
export function requireAllowed({ model, outline }: OutlinedRequest, policy: RequestPolicy): void {
  for (const name of [model, ...outline.otherModels]) requireModel(name, policy.allowedModels);
  const closed = closedFields.find((field) => outline.fields.has(field));
  if (closed !== undefined) throw Refusal.forbidden(`${closed} is not open to agents`);
  if (outline.isFast) throw Refusal.forbidden('the fast mode has prices that this server does not know');
  for (const tool of outline.serverTools) requireCountable(tool);
  if (policy.allowedHosts !== null) requireReach(outline, policy.allowedHosts);
}

function requireModel(model: string, allowedModels: readonly string[]): void {
  if (allowedModels.length === 0 || allowedModels.some((pattern) => meansModel(pattern, model))) return;
  throw Refusal.forbidden(`the model ${model} is not allowed on this server`);
}

function requireCountable(tool: ServerTool): void {
  const parsed = definition.safeParse(tool.definition);
  if (!parsed.success)
    throw Refusal.forbidden(`the tool ${tool.type} is not of a form that this server knows`);
  if (isSearch(tool) && !parsed.data.max_uses) {
    throw Refusal.forbidden(`the tool ${tool.type} must have max_uses: its searches cost money`);
  }
}

function requireReach(outline: RequestOutline, allowedHosts: readonly string[]): void {
  const field = reachingFields.find((name) => outline.fields.has(name));
  const [reference] = outline.references;
  const reached = field ?? reference;
  if (reached !== undefined) {
    throw Refusal.forbidden(
      `isolated agents may not have the model API reach for what is elsewhere: ${reached}`,
    );
  }
  const domains = outline.serverTools.flatMap(
    (tool) => definition.parse(tool.definition).allowed_domains ?? [],
  );
  if (domains.length > MAX_DOMAINS) {
    throw Refusal.forbidden(`the tools have more than ${MAX_DOMAINS} allowed_domains in all`);
  }
  for (const tool of outline.serverTools) requireToolReach(tool, allowedHosts);
}

function requireToolReach({ type, definition: value }: ServerTool, allowedHosts: readonly string[]): void {
  if (/^tool_search_tool_/.test(type)) return;
  if (!/^web_(search|fetch)_/.test(type)) {
    throw Refusal.forbidden(`the tool ${type} of the model API is not open to isolated agents`);
  }
  const { allowed_domains } = definition.parse(value);
  const domains = allowed_domains ?? [];
  if (domains.length > 0 && domains.every((domain) => coversDomain(allowedHosts, domain))) return;
  throw Refusal.forbidden(
    `${type} may look only at what the session may connect to: name domains in allowed_domains that ` +
      `network.allowed_hosts covers with all below them (it has: ${allowedHosts.join(', ') || 'none'})`,
  );
}

/** A name, and a path on it. Whatever could be read in another way is none. */
const domainForm = /^([a-z0-9.-]+)(\/[\w.~*/-]*)?$/i;

/** To the model API a domain stands for all below it as well. */
function coversDomain(allowedHosts: readonly string[], domain: string): boolean {
  const host = domainForm.exec(domain)?.[1];
  if (host === undefined) return false;
  return [host, `*.${host}`].every((name) => allowedHosts.some((pattern) => coversName(pattern, name)));
}

function isSearch({ type }: ServerTool): boolean {
  return type.startsWith('web_search_');
}

/** What a request that is allowed can come to. */
export function extentOf({ bytes, maxTokens, outline }: OutlinedRequest): Extent {
  const { fields, serverTools, references, otherModels } = outline;
  const uses = serverTools.map((tool) => ({
    tool,
    uses: definition.parse(tool.definition).max_uses ?? MAX_ROUNDS,
  }));
  const loops = uses.reduce((sum, one) => sum + one.uses, 0);
  const bringsMore =
    serverTools.length > 0 ||
    references.size > 0 ||
    outline.hasPackedText ||
    [...fields].some((field) => !plainFields.has(field));
  const sumsUp = outline.isCompacting || fields.has('compaction');
  return {
    bytes: bytes.length,
    maxTokens: Math.max(maxTokens, outline.otherMaxTokens),
    otherModels,
    extraTokens: outline.denseParts * DENSE_PART_TOKENS,
    fillsContext: bringsMore,
    rounds: Math.min(MAX_ROUNDS, 1 + loops) + (sumsUp ? 1 : 0),
    searches: uses.filter(({ tool }) => isSearch(tool)).reduce((sum, one) => sum + one.uses, 0),
  };
}
