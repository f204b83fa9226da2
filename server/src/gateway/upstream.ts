import type { Config } from '../config.ts';
import type { UpstreamConfig } from '../config-upstreams.ts';
import { describeCloud } from './cloud.ts';
import { apiModelName, meansModel } from './model-name.ts';

export const ANTHROPIC_URL = 'https://api.anthropic.com';

/** Where model requests go, and what proves that they may. */
export type Upstream = {
  kind: 'anthropic' | 'compatible' | 'demo';
  baseUrl: URL;
  /** Headers that carry the credential; empty for an API that needs none. */
  credentials: Record<string, string>;
};

/** An upstream for the models that match one of its patterns. */
export type ModelUpstream = Upstream & { models: readonly string[] };

type ModelSettings = Pick<Config, 'anthropicApiKey' | 'anthropicAuthToken' | 'anthropicBaseUrl'>;

/** True when nothing says which model API to use: the demo model then answers. */
export function needsDemoModel(settings: ModelSettings & Pick<Config, 'cloud'>): boolean {
  return (
    settings.cloud === null &&
    settings.anthropicApiKey === null &&
    settings.anthropicAuthToken === null &&
    settings.anthropicBaseUrl === null
  );
}

export function configuredUpstream(settings: ModelSettings): Upstream {
  return upstreamOf(settings.anthropicBaseUrl, settings.anthropicApiKey, settings.anthropicAuthToken);
}

/** The first that matches a model is asked, else the one of `ANTHROPIC_…`, else the demo model. */
export function modelUpstreams(upstreams: readonly UpstreamConfig[]): ModelUpstream[] {
  return upstreams.map(({ models, baseUrl, apiKey, authToken }) => ({
    models,
    ...upstreamOf(baseUrl, apiKey, authToken),
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

function upstreamOf(url: string | null, apiKey: string | null, authToken: string | null): Upstream {
  const credentials: Record<string, string> = {};
  if (apiKey !== null) credentials['x-api-key'] = apiKey;
  if (authToken !== null) credentials.authorization = `Bearer ${authToken}`;
  const baseUrl = new URL(url ?? ANTHROPIC_URL);
  return { kind: baseUrl.origin === ANTHROPIC_URL ? 'anthropic' : 'compatible', baseUrl, credentials };
}

export function demoUpstream(url: string): Upstream {
  return { kind: 'demo', baseUrl: new URL(url), credentials: {} };
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
