import type { Config } from '../config.ts';

export const ANTHROPIC_URL = 'https://api.anthropic.com';

/** Where model requests go, and what proves that they may. */
export type Upstream = {
  kind: 'anthropic' | 'compatible' | 'demo';
  baseUrl: URL;
  /** Headers that carry the credential; empty for an API that needs none. */
  credentials: Record<string, string>;
};

type ModelSettings = Pick<Config, 'anthropicApiKey' | 'anthropicAuthToken' | 'anthropicBaseUrl'>;

/** True when nothing says which model API to use: the demo model then answers. */
export function needsDemoModel(settings: ModelSettings): boolean {
  return (
    settings.anthropicApiKey === null &&
    settings.anthropicAuthToken === null &&
    settings.anthropicBaseUrl === null
  );
}

export function configuredUpstream(settings: ModelSettings): Upstream {
  const credentials: Record<string, string> = {};
  if (settings.anthropicApiKey !== null) credentials['x-api-key'] = settings.anthropicApiKey;
  if (settings.anthropicAuthToken !== null)
    credentials.authorization = `Bearer ${settings.anthropicAuthToken}`;
  const baseUrl = new URL(settings.anthropicBaseUrl ?? ANTHROPIC_URL);
  return { kind: baseUrl.origin === ANTHROPIC_URL ? 'anthropic' : 'compatible', baseUrl, credentials };
}

export function demoUpstream(url: string): Upstream {
  return { kind: 'demo', baseUrl: new URL(url), credentials: {} };
}

/** For people: which model a server talks to. */
export function describeUpstream(upstream: Upstream): string {
  if (upstream.kind === 'demo')
    return 'demo model (built in, answers by rules; set ANTHROPIC_API_KEY for Claude)';
  return upstream.kind === 'anthropic'
    ? 'Anthropic API'
    : `Anthropic-compatible API at ${upstream.baseUrl.origin}`;
}
