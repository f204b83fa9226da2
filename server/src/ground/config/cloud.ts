/*
 * Clouds that have the models behind an API of their own form. The gateway does not speak it: agents ask them by
 * themselves, with credentials of the server, and so only where the operator has given up isolation. Nothing of that is
 * in the ledger, and no budget holds it.
 */

export const cloudProviders = ['bedrock', 'vertex'] as const;
export type CloudProvider = (typeof cloudProviders)[number];

/** `environment`: what the agents get of the server's. */
export type Cloud = { provider: CloudProvider; environment: Record<string, string> };

const names: Record<CloudProvider, string> = { bedrock: 'Amazon Bedrock', vertex: 'Google Vertex AI' };

const switches: Record<CloudProvider, string> = {
  bedrock: 'CLAUDE_CODE_USE_BEDROCK',
  vertex: 'CLAUDE_CODE_USE_VERTEX',
};

/** What the agent program reads of credentials, regions and model names. */
const passed: Record<CloudProvider, RegExp> = {
  bedrock:
    /^(AWS_\w+|ANTHROPIC_BEDROCK_\w+|ANTHROPIC_(SMALL_FAST_)?MODEL|ANTHROPIC_DEFAULT_\w+|CLAUDE_CODE_SKIP_BEDROCK_AUTH)$/,
  vertex:
    /^(GOOGLE_\w+|GCLOUD_PROJECT|CLOUD_ML_\w+|VERTEX_\w+|ANTHROPIC_VERTEX_\w+|ANTHROPIC_(SMALL_FAST_)?MODEL|ANTHROPIC_DEFAULT_\w+|CLAUDE_CODE_SKIP_VERTEX_AUTH)$/,
};

export function readCloud(provider: CloudProvider, env: Record<string, string | undefined>): Cloud {
  const found = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && passed[provider].test(entry[0]),
  );
  return { provider, environment: { ...Object.fromEntries(found), [switches[provider]]: '1' } };
}

/** For people. */
export function describeCloud({ provider }: Cloud): string {
  return `${names[provider]}, asked by the agents themselves`;
}

/** What must not show in a log. */
export function secretsOfCloud({ environment }: Cloud): string[] {
  return Object.entries(environment).flatMap(([name, value]) =>
    /SECRET|TOKEN|KEY/.test(name) && value.length > 8 ? [value] : [],
  );
}
