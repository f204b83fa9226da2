import { readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import type { z } from 'zod';
import { StartupError } from '../errors.ts';
import { didYouMean } from '../util/suggest.ts';
import { type Cloud, type CloudProvider, readCloud, secretsOfCloud } from './cloud.ts';
import { type configOptions, flagName, type OptionName, optionNames, optionOf } from './options.ts';
import { resolveRoot } from './roots.ts';
import { describeUpstreams, longestWait, readUpstreams, type UpstreamConfig } from './upstreams.ts';

/** Values as each option's schema gives them; null is "not set" and has no default. Times are in milliseconds. */
export type Config = {
  host: string;
  port: number;
  databaseUrl: string | null;
  keyPepper: string | null;
  dataDir: string;
  isolation: z.infer<(typeof configOptions)['isolation']['schema']>;
  /** Bytes. */
  sandboxMemory: number;
  sandboxProcesses: number;
  sandboxCpus: number | null;
  /** Bytes. */
  sandboxTmp: number;
  /** Bytes. */
  sandboxDisk: number;
  sandboxPaths: string[];
  egressHosts: string[];
  maxSessions: number;
  idleTtl: number;
  slotPatience: number;
  allowedHosts: string[];
  corsOrigins: string[];
  trustProxy: string[];
  maxConnectionsPerIp: number | null;
  allowedPrivateHosts: string[];
  /** Entries of `rootsOf`. */
  workspaceRoots: string[];
  /** Null leaves it to whether agents are confined. */
  mcpStdio: boolean | null;
  anthropicApiKey: string | null;
  anthropicAuthToken: string | null;
  anthropicBaseUrl: string | null;
  model: string | null;
  upstreams: UpstreamConfig[];
  cloud: Cloud | null;
  allowedModels: string[];
  /** Null leaves it to the kind of model API. */
  modelIdleTimeout: number | null;
  httpProxy: string | null;
  httpsProxy: string | null;
  noProxy: string[];
  /** A path. Node.js itself reads the variable at its start. */
  extraCaCerts: string | null;
  /** Bytes. */
  gatewayMemory: number;
  /** Path of a file. */
  prices: string | null;
  demoTokensPerSecond: number;
  /** These three: null is for ever. */
  retention: number | null;
  auditRetention: number | null;
  ledgerRetention: number | null;
  maxQueued: number;
  maxQueuedMessages: number;
  stallTimeout: number;
  shutdownGrace: number;
  logFormat: z.infer<(typeof configOptions)['logFormat']['schema']>;
  logLevel: z.infer<(typeof configOptions)['logLevel']['schema']>;
};

/** What the configuration is read from, and the facts about the machine that defaults depend on. */
export type ConfigSources = {
  flags: Record<string, unknown>;
  env: Record<string, string | undefined>;
  cwd: string;
  /** Path of the file; given by `--config`, it must exist. */
  file?: string | undefined;
  machine: { userDataDir: string; isRoot: boolean; availableMemory: number; cores: number };
};

export type LoadedConfig = { config: Config; origins: Record<OptionName, string> };

const DEFAULT_FILE = 'greenroom.config.json';
const MEMORY_PER_SESSION = 300 * 1024 * 1024;

/** Flags, then environment, then `greenroom.config.json`, then defaults. Throws StartupError naming what is wrong. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const file = readConfigFile(sources);
  rejectUnknownEnvironment(sources.env);
  const values: Partial<Record<OptionName, unknown>> = {};
  const origins = {} as Record<OptionName, string>;
  for (const name of optionNames) {
    const found = findValue(name, sources, file);
    if (found === undefined) {
      origins[name] = 'default';
      continue;
    }
    values[name] = parseValue(name, found);
    origins[name] = found.origin;
  }
  const config = { ...defaults(sources, values), ...values } as Config;
  if (values.upstreams !== undefined) {
    config.upstreams = readUpstreams(values.upstreams as Parameters<typeof readUpstreams>[0], sources.env);
  }
  requireOwnNullOrigin(config);
  if (values.stallTimeout === undefined) config.stallTimeout = defaultStallTimeout(config);
  if (values.cloud !== undefined) config.cloud = readCloud(values.cloud as CloudProvider, sources.env);
  if (config.prices !== null) config.prices = resolve(sources.cwd, config.prices);
  if (config.extraCaCerts !== null) config.extraCaCerts = resolve(sources.cwd, config.extraCaCerts);
  config.dataDir = resolve(sources.cwd, config.dataDir);
  config.workspaceRoots = config.workspaceRoots.map((entry) => resolveRoot(entry, sources.cwd));
  return { config, origins };
}

/** Of which any website can make a page: on this machine that is for its user to risk. */
function requireOwnNullOrigin(config: Config): void {
  if (!config.corsOrigins.includes('null') || isLocalOnly(config)) return;
  throw new StartupError('corsOrigins may list null only where nobody but this machine reaches the server', {
    hint: 'any website can make a page of the origin null: serve the page from an origin of its own, and list that',
  });
}

type Found = { raw: unknown; origin: string };

function findValue(name: OptionName, sources: ConfigSources, file: ConfigFile): Found | undefined {
  const flag = sources.flags[name];
  if (flag !== undefined) return { raw: flag, origin: `flag --${flagName(name)}` };
  for (const variable of optionOf(name).env) {
    const raw = sources.env[variable];
    if (raw === undefined || raw === '' || kubernetesAddress.test(raw)) continue;
    return { raw, origin: `environment ${variable}` };
  }
  if (file.values[name] !== undefined) return { raw: file.values[name], origin: `file ${file.path}` };
  return undefined;
}

function parseValue(name: OptionName, found: Found): unknown {
  const parsed = optionOf(name).schema.safeParse(found.raw);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.map((issue) => issue.message).join('; ');
  throw new StartupError(`${name} (${found.origin}) is not valid: ${problem}`, {
    hint: optionOf(name).description,
  });
}

function defaults(sources: ConfigSources, values: Partial<Record<OptionName, unknown>>): Config {
  const { machine } = sources;
  const byMemory = Math.floor(machine.availableMemory / MEMORY_PER_SESSION);
  const host = (values.host as string | undefined) ?? '127.0.0.1';
  const isLocal = isLocalOnly({ host, trustProxy: (values.trustProxy as string[] | undefined) ?? [] });
  return {
    host,
    port: 8000,
    databaseUrl: null,
    keyPepper: null,
    dataDir: machine.isRoot ? '/var/lib/greenroom' : machine.userDataDir,
    maxSessions: Math.max(1, Math.min(byMemory, machine.cores * 4)),
    idleTtl: 60_000,
    slotPatience: 30_000,
    isolation: 'auto',
    sandboxMemory: 4 * 2 ** 30,
    sandboxProcesses: 512,
    sandboxCpus: null,
    sandboxTmp: 512 * 2 ** 20,
    sandboxDisk: 10 * 2 ** 30,
    sandboxPaths: [],
    egressHosts: isLocal ? ['*'] : [],
    allowedHosts: [],
    corsOrigins: [],
    trustProxy: [],
    maxConnectionsPerIp: isLocal ? null : 256,
    allowedPrivateHosts: [],
    workspaceRoots: isLocal ? [sources.cwd] : [],
    mcpStdio: isLocal ? true : null,
    anthropicApiKey: null,
    anthropicAuthToken: null,
    anthropicBaseUrl: null,
    model: null,
    upstreams: [],
    cloud: null,
    allowedModels: [],
    modelIdleTimeout: null,
    httpProxy: null,
    httpsProxy: null,
    noProxy: [],
    extraCaCerts: null,
    gatewayMemory: Math.min(Math.max(Math.floor(machine.availableMemory / 8), 128 * 2 ** 20), 2 ** 30),
    prices: null,
    demoTokensPerSecond: 60,
    retention: null,
    auditRetention: 365 * 86_400_000,
    ledgerRetention: 90 * 86_400_000,
    maxQueued: 10_000,
    maxQueuedMessages: 100,
    stallTimeout: 900_000,
    shutdownGrace: 30_000,
    logFormat: 'auto',
    logLevel: 'info',
  };
}

const STALL_MARGIN_MS = 300_000;

/** A model that is silent for as long as it may is no reason to stop a turn. */
function defaultStallTimeout(config: Config): number {
  return longestWait(config) + STALL_MARGIN_MS;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Whether only users of this machine reach the server: a proxy before it lets others in. */
export function isLocalOnly({ host, trustProxy }: Pick<Config, 'host' | 'trustProxy'>): boolean {
  return isLoopback(host) && trustProxy.length === 0;
}

type ConfigFile = { path: string; values: Partial<Record<OptionName, unknown>> };

function readConfigFile(sources: ConfigSources): ConfigFile {
  const path = resolve(sources.cwd, sources.file ?? DEFAULT_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && sources.file === undefined)
      return { path, values: {} };
    throw new StartupError(`cannot read the configuration file ${path}`, {
      cause: error,
      hint: String(error),
    });
  }
  const values = parseJsonObject(text, path);
  for (const key of Object.keys(values)) {
    if (key !== '$schema' && !optionNames.includes(key as OptionName)) {
      throw new StartupError(`unknown key "${key}" in ${path}${didYouMean(key, optionNames)}`, {
        hint: `known keys: ${optionNames.join(', ')}`,
      });
    }
  }
  return { path, values };
}

function parseJsonObject(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StartupError(`${path} is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StartupError(`${path} must hold one JSON object`);
  }
  return value as Record<string, unknown>;
}

// Kubernetes tells every container where services are: what it sets for one called "greenroom", or "greenroom-…",
// is not ours, GREENROOM_PORT=tcp://… not even where it has the name of an option.
const kubernetesName = /^GREENROOM_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_\w+)$/;
const kubernetesAddress = /^(tcp|udp|sctp):\/\//;

function rejectUnknownEnvironment(env: ConfigSources['env']): void {
  const known = optionNames.flatMap((name) => [...optionOf(name).env]);
  for (const [variable, value = ''] of Object.entries(env)) {
    if (!variable.startsWith('GREENROOM_') || known.includes(variable)) continue;
    if (kubernetesName.test(variable) || kubernetesAddress.test(value)) continue;
    throw new StartupError(`unknown environment variable ${variable}${didYouMean(variable, known)}`, {
      hint: `known names: ${known.filter((name) => name.startsWith('GREENROOM_')).join(', ')}`,
    });
  }
}

/** One line per option for `greenroom config`: name, effective value with secrets masked, and where it came from. */
export function describeConfig({
  config,
  origins,
}: LoadedConfig): { name: string; value: string; origin: string }[] {
  return optionNames.map((name) => ({
    name,
    value: displayValue(name, config[name]),
    origin: origins[name],
  }));
}

/** The configured secrets themselves, which no log may hold. */
export function configuredSecrets(config: Config): string[] {
  const ofUpstreams = config.upstreams.flatMap(({ apiKey, authToken }) =>
    [apiKey ?? [], authToken ?? []].flat(),
  );
  const ofCloud = config.cloud === null ? [] : secretsOfCloud(config.cloud);
  return [...ofUpstreams, ...ofCloud].concat(
    optionNames.flatMap((name) => {
      const value = config[name];
      if (!optionOf(name).secret || typeof value !== 'string') return [];
      if (!secretUrls.has(name)) return [value];
      const { username, password: given } = new URL(value);
      // What is in the place of a name alone may be a token.
      const password = given === '' && name !== 'databaseUrl' ? username : given;
      const plain = new URLSearchParams(`password=${password.replaceAll('+', '%2B')}`).get('password') ?? '';
      return [password, plain];
    }),
  );
}

/** Secret for the password in them, and shown without it. */
const secretUrls = new Set<OptionName>(['databaseUrl', 'httpProxy', 'httpsProxy']);

/** Without one nothing is deleted. */
const keepTimes = new Set<OptionName>(['auditRetention', 'ledgerRetention', 'retention']);

/** Kept in milliseconds. */
const times = new Set<OptionName>([
  ...keepTimes,
  'idleTtl',
  'modelIdleTimeout',
  'shutdownGrace',
  'slotPatience',
  'stallTimeout',
]);

/** Kept in bytes. */
const sizes = new Set<OptionName>(['gatewayMemory', 'sandboxMemory', 'sandboxTmp', 'sandboxDisk']);

function displayValue(name: OptionName, value: Config[OptionName]): string {
  if (value === null) return keepTimes.has(name) ? 'never' : '(not set)';
  if (secretUrls.has(name) || name === 'anthropicBaseUrl') return maskUrlPassword(String(value));
  if (optionOf(name).secret) return `******** (${String(value).length} characters)`;
  if (name === 'cloud') return (value as Cloud).provider;
  if (name === 'upstreams') return describeUpstreams(value as UpstreamConfig[]) || '(none)';
  if (Array.isArray(value))
    return value.length === 0 ? '(none)' : value.join(name === 'workspaceRoots' ? delimiter : ',');
  if (sizes.has(name)) return `${Number(value) / 2 ** 20}MB`;
  return times.has(name) ? `${Number(value) / 1000}s` : String(value);
}

function maskUrlPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password !== '') parsed.password = '********';
  else if (parsed.username !== '' && /^https?:$/.test(parsed.protocol)) parsed.username = '********';
  for (const name of ['password', 'sslpassword']) {
    if (parsed.searchParams.has(name)) parsed.searchParams.set(name, '********');
  }
  return parsed.href;
}
