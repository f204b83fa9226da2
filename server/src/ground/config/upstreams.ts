import { z } from 'zod';
import { StartupError } from '../errors.ts';
import { idleTimeout } from './times.ts';

const text = z.string().trim().min(1, 'must not be empty');

const upstream = z
  .strictObject({
    /** Patterns of model names; `*` stands for any text. */
    models: z.array(text).min(1),
    base_url: z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' }),
    /** The environment variable that holds the key, which so stands in no file. */
    api_key_env: text.optional(),
    auth_token_env: text.optional(),
    /** In place of `modelIdleTimeout`. */
    idle_timeout: idleTimeout.optional(),
  })
  .refine((given) => given.api_key_env === undefined || given.auth_token_env === undefined, {
    message: 'takes api_key_env or auth_token_env, not both',
  });

/** The list itself in the file, JSON text in the environment. */
export const upstreamList = z.preprocess((value, context) => {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    context.addIssue({ code: 'custom', message: 'expected JSON: [{"models": ["…"], "base_url": "…"}]' });
    return z.NEVER;
  }
}, z.array(upstream));

/** A model API for some models, with its credential. */
export type UpstreamConfig = {
  models: string[];
  baseUrl: string;
  apiKey: string | null;
  authToken: string | null;
  /** Milliseconds. */
  idleTimeout: number | null;
};

export function readUpstreams(
  list: z.output<typeof upstreamList>,
  env: Record<string, string | undefined>,
): UpstreamConfig[] {
  const credentialIn = (name: string | undefined): string | null => {
    if (name === undefined) return null;
    const value = env[name];
    if (value !== undefined && value !== '') return value;
    throw new StartupError(`upstreams names the environment variable ${name}, which is not set`);
  };
  return list.map(({ models, base_url, api_key_env, auth_token_env, idle_timeout = null }) => ({
    models,
    baseUrl: base_url,
    apiKey: credentialIn(api_key_env),
    authToken: credentialIn(auth_token_env),
    idleTimeout: idle_timeout,
  }));
}

/** For people, without what is secret. */
export function describeUpstreams(upstreams: readonly UpstreamConfig[]): string {
  return upstreams
    .map(({ models, baseUrl }) => `${models.join(', ')} at ${new URL(baseUrl).origin}`)
    .join('; ');
}

/** How long an answer may take to begin: what the Anthropic SDK gives one that is not streamed. */
export const FIRST_BYTE_MS = 600_000;

/** Others may be silent while they read a long prompt. */
export const IDLE_MS = 600_000;

/** For how long a model API may be silent at most, in milliseconds. */
export function longestWait({
  modelIdleTimeout,
  upstreams,
}: {
  modelIdleTimeout: number | null;
  upstreams: readonly UpstreamConfig[];
}): number {
  const limits = [modelIdleTimeout, ...upstreams.map(({ idleTimeout }) => idleTimeout)];
  return Math.max(FIRST_BYTE_MS, IDLE_MS, ...limits.map((limit) => limit ?? 0));
}
