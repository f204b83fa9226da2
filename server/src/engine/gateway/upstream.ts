import { describeCloud } from '../../ground/config/cloud.ts';
import type { Config } from '../../ground/config/config.ts';
import { IDLE_MS, type UpstreamConfig } from '../../ground/config/upstreams.ts';
import { apiModelName, meansModel } from './model-name.ts';

export const ANTHROPIC_URL = 'https://api.anthropic.com';

/** Where model requests go, and what proves that they may. */
export type Upstream = {
  kind: 'anthropic' | 'compatible' | 'demo';
  baseUrl: URL;
  /** Headers that carry the credential; empty for an API that needs none. */
  credentials: Record<string, string>;
  /** How long an answer that has begun may be silent, in milliseconds. */
  idleMs: number;
};

/** An upstream for the models that match one of its patterns. */
export type ModelUpstream = Upstream & { models: readonly string[] };

type ModelSettings = Pick<
  Config,
  'anthropicApiKey' | 'anthropicAuthToken' | 'anthropicBaseUrl' | 'modelIdleTimeout'
>;

/** Anthropic's API sends pings while its model thinks. */
const PINGED_IDLE_MS = 90_000;
/** True when nothing says which model API to use: the demo model then answers. */
export function needsDemoModel(
  settings: Omit<ModelSettings, 'modelIdleTimeout'> & Pick<Config, 'cloud'>,
): boolean {
  return (
    settings.cloud === null &&
    settings.anthropicApiKey === null &&
    settings.anthropicAuthToken === null &&
    settings.anthropicBaseUrl === null
  );
}

export function configuredUpstream(settings: ModelSettings): Upstream {
  return upstreamOf({
    baseUrl: settings.anthropicBaseUrl,
    apiKey: settings.anthropicApiKey,
    authToken: settings.anthropicAuthToken,
    idleTimeout: settings.modelIdleTimeout,
  });
}

/** The first that matches a model is asked, else the one of `ANTHROPIC_…`, else the demo model. */
export function modelUpstreams({
  upstreams,
  modelIdleTimeout,
}: Pick<Config, 'upstreams' | 'modelIdleTimeout'>): ModelUpstream[] {
  return upstreams.map((upstream) => ({
    models: upstream.models,
    ...upstreamOf({ ...upstream, idleTimeout: upstream.idleTimeout ?? modelIdleTimeout }),
  }));
}

type Upstreams = { upstream: Upstream; upstreams: readonly ModelUpstream[] };

export function upstreamFor(model: string, { upstream, upstreams }: Upstreams): Upstream {
  return upstreams.find(({ models }) => models.some((pattern) => meansModel(pattern, model))) ?? upstream;
}

/**
 * The name under which an agent asks for a model: bodies pass as they are, and neither Anthropic nor the demo model
 * takes the names that clouds have for the same models. Another API may well.
 */
export function nameForAgents(model: string, upstreams: Upstreams): string {
  return upstreamFor(model, upstreams).kind === 'compatible' ? model : apiModelName(model);
}

type Origin = Omit<UpstreamConfig, 'models' | 'baseUrl'> & { baseUrl: string | null };

function upstreamOf({ baseUrl: url, apiKey, authToken, idleTimeout }: Origin): Upstream {
  const credentials: Record<string, string> = {};
  if (apiKey !== null) credentials['x-api-key'] = apiKey;
  if (authToken !== null) credentials.authorization = `Bearer ${authToken}`;
  const baseUrl = new URL(url ?? ANTHROPIC_URL);
  const isAnthropic = baseUrl.origin === ANTHROPIC_URL;
  const idleMs = idleTimeout ?? (isAnthropic ? PINGED_IDLE_MS : IDLE_MS);
  return { kind: isAnthropic ? 'anthropic' : 'compatible', baseUrl, credentials, idleMs };
}

export function demoUpstream(url: string, idleMs = IDLE_MS): Upstream {
  return { kind: 'demo', baseUrl: new URL(url), credentials: {}, idleMs };
}

/** For people: which model a server talks to. */
export function describeModel({
  config,
  upstream,
}: {
  config: Pick<Config, 'cloud'>;
  upstream: Upstream;
}): string {
  return config.cloud === null ? describeUpstream(upstream) : describeCloud(config.cloud);
}

function describeUpstream(upstream: Upstream): string {
  if (upstream.kind === 'demo')
    return 'demo model (built in, answers by rules; set ANTHROPIC_API_KEY for Claude)';
  return upstream.kind === 'anthropic'
    ? 'Anthropic API'
    : `Anthropic-compatible API at ${upstream.baseUrl.origin}`;
}
