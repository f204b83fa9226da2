import { z } from 'zod';
import { cloudProviders } from './cloud.ts';
import { duration, idleTimeout, keepTime, timer } from './times.ts';
import { upstreamList } from './upstreams.ts';
import { addressRange, commaList, flag, httpUrl, number, origin, proxyUrl, size, text } from './values.ts';

type Option = {
  /** Environment names; the first one that is set wins. */
  env: readonly string[];
  /** zod schema of a raw value: a string from a flag or the environment, any JSON from the file. */
  schema: z.ZodType;
  description: string;
  /** What `greenroom config` and the docs show where the default depends on the machine. */
  defaultText: string;
  secret?: true;
  /** Not a flag: a secret on a command line shows in the process list; and `--no-…` is read as a switch. */
  noFlag?: true;
};

/** Every option, once: its flag is the name in kebab-case, its key in `greenroom.config.json` the name itself. */
export const configOptions = {
  host: {
    env: ['GREENROOM_HOST'],
    schema: text,
    description: 'address to listen on',
    defaultText: '127.0.0.1',
  },
  port: {
    env: ['GREENROOM_PORT', 'PORT'],
    schema: number.pipe(z.int().min(0).max(65_535)),
    description: 'port to listen on; 0 takes a free one',
    defaultText: '8000',
  },
  databaseUrl: {
    env: ['DATABASE_URL'],
    schema: z.url({ protocol: /^postgres(ql)?$/, error: 'expected a postgres:// URL' }),
    description: 'PostgreSQL 15 or newer; without it the server runs its own',
    defaultText: 'own PostgreSQL in the data directory',
    secret: true,
    noFlag: true,
  },
  dataDir: {
    env: ['GREENROOM_DATA_DIR'],
    schema: text,
    description: 'where everything that must survive a restart lies',
    defaultText: '/var/lib/greenroom as root, else the user data directory',
  },
  keyPepper: {
    env: ['GREENROOM_KEY_PEPPER'],
    schema: text.min(32, 'must have at least 32 characters'),
    description: 'secret that API keys are hashed with; the same on every server of one database',
    defaultText: 'made with the first key, in the data directory',
    secret: true,
    noFlag: true,
  },
  maxSessions: {
    env: ['GREENROOM_MAX_SESSIONS'],
    schema: number.pipe(z.int().min(1).max(10_000)),
    description: 'agent processes alive at once; more sessions wait in the queue',
    defaultText: 'one per 300 MB of free memory, at most 4 per core',
  },
  idleTtl: {
    env: ['GREENROOM_IDLE_TTL'],
    schema: timer,
    description: 'how long an idle session keeps its agent process',
    defaultText: '60s',
  },
  slotPatience: {
    env: ['GREENROOM_SLOT_PATIENCE'],
    schema: timer,
    description: 'how long a session waits on a full server before another tenant with two more makes room',
    defaultText: '30s',
  },
  allowedHosts: {
    env: ['GREENROOM_ALLOWED_HOSTS'],
    schema: z.union([
      z.array(text),
      text.transform((names) => names.split(',').map((name) => name.trim().toLowerCase())),
    ]),
    description: 'names, separated by ",", that the server answers to beside localhost',
    defaultText: 'none when bound to loopback, else any',
  },
  corsOrigins: {
    env: ['GREENROOM_CORS_ORIGINS'],
    schema: commaList(origin),
    description: 'origins, separated by ",", whose pages may use the server from a browser',
    defaultText: 'none beside its own',
  },
  trustProxy: {
    env: ['GREENROOM_TRUST_PROXY'],
    schema: commaList(addressRange),
    description: 'addresses or ranges, separated by ",", of proxies whose X-Forwarded headers hold',
    defaultText: 'none',
  },
  maxConnectionsPerIp: {
    env: ['GREENROOM_MAX_CONNECTIONS_PER_IP'],
    schema: number.pipe(z.int().min(1)),
    description:
      'connections that one address may have open, streams included; proxies in trustProxy are not limited',
    defaultText: 'unlimited when bound to loopback, else 256',
  },
  allowedPrivateHosts: {
    env: ['GREENROOM_ALLOWED_PRIVATE_HOSTS'],
    schema: commaList(text),
    description:
      'names, addresses or ranges, separated by ",", that clients may make the server or its agents connect to although they are private or without https',
    defaultText: 'none',
  },
  workspaceRoots: {
    env: ['GREENROOM_WORKSPACE_ROOTS'],
    schema: z.union([
      z.array(text),
      text.transform((paths) => paths.split(':').filter((path) => path !== '')),
    ]),
    description:
      'directories that a session\'s cwd may lie in, separated by ":", for the tenant default; others as TENANT=PATH, every tenant as *=PATH',
    defaultText: 'the directory the server was started in, when bound to loopback',
  },
  isolation: {
    env: ['GREENROOM_ISOLATION'],
    schema: z.enum(['auto', 'bwrap', 'none']),
    description: 'what agents run inside: bwrap confines them, none does not',
    defaultText: 'auto: bwrap where it works, else none while bound to loopback',
  },
  sandboxMemory: {
    env: ['GREENROOM_SANDBOX_MEMORY'],
    schema: size.refine((bytes) => bytes >= 512 * 2 ** 20, 'must be at least 512MB'),
    description: 'memory that one isolated agent may use with all that it starts',
    defaultText: '4GB',
  },
  sandboxProcesses: {
    env: ['GREENROOM_SANDBOX_PROCESSES'],
    schema: number.pipe(z.int().min(64).max(100_000)),
    description: 'processes and threads that one isolated agent may have',
    defaultText: '512',
  },
  sandboxCpus: {
    env: ['GREENROOM_SANDBOX_CPUS'],
    schema: number.pipe(z.number().min(0.1).max(1024)),
    description: 'processors that one isolated agent may keep busy',
    defaultText: 'no limit',
  },
  sandboxTmp: {
    env: ['GREENROOM_SANDBOX_TMP'],
    schema: size.refine((bytes) => bytes >= 16 * 2 ** 20, 'must be at least 16MB'),
    description: "size of an isolated agent's /tmp, which counts as its memory",
    defaultText: '512MB',
  },
  sandboxDisk: {
    env: ['GREENROOM_SANDBOX_DISK'],
    schema: size.refine((bytes) => bytes >= 64 * 2 ** 20, 'must be at least 64MB'),
    description:
      "what a session's own files may come to on disk: what its agent writes where it is isolated, and what clients put, fork and rewind",
    defaultText: '10GB',
  },
  sandboxPaths: {
    env: ['GREENROOM_SANDBOX_PATHS'],
    schema: z.union([
      z.array(text),
      text.transform((paths) => paths.split(':').filter((path) => path !== '')),
    ]),
    description: 'what isolated agents may read beside the system, such as tools, separated by ":"',
    defaultText: 'none',
  },
  egressHosts: {
    env: ['GREENROOM_EGRESS_HOSTS'],
    schema: z.union([
      z.array(text),
      text.transform((names) => names.split(',').map((name) => name.trim().toLowerCase())),
    ]),
    description: 'hosts, separated by ",", that sessions may let isolated agents connect to; "*" is any',
    defaultText: 'any when bound to loopback, else none',
  },
  mcpStdio: {
    env: ['GREENROOM_MCP_STDIO'],
    schema: flag,
    description: 'whether sessions may have MCP servers that are programs (stdio)',
    defaultText: 'true when bound to loopback, else only where agents are isolated',
  },
  anthropicApiKey: {
    env: ['ANTHROPIC_API_KEY'],
    schema: text,
    description: 'key for the model API; stays in the server, agents never see it',
    defaultText: 'none: the demo model answers',
    secret: true,
    noFlag: true,
  },
  anthropicAuthToken: {
    env: ['ANTHROPIC_AUTH_TOKEN'],
    schema: text,
    description: 'bearer token for the model API, instead of a key',
    defaultText: 'none',
    secret: true,
    noFlag: true,
  },
  anthropicBaseUrl: {
    env: ['ANTHROPIC_BASE_URL'],
    schema: httpUrl,
    description: 'model API to forward to (any that speaks the Anthropic Messages API)',
    defaultText: 'https://api.anthropic.com with a key, else the demo model',
  },
  model: {
    env: ['GREENROOM_MODEL'],
    schema: text,
    description: 'model of sessions that name none',
    defaultText: "the agent program's own",
  },
  upstreams: {
    env: ['GREENROOM_UPSTREAMS'],
    schema: upstreamList,
    description: 'further model APIs, each for the models that match its patterns (docs/gateway.md)',
    defaultText: 'none',
    noFlag: true,
  },
  cloud: {
    env: ['GREENROOM_CLOUD'],
    schema: z.enum(cloudProviders),
    description: 'bedrock or vertex: agents ask that cloud themselves, without budgets (docs/gateway.md)',
    defaultText: 'none',
  },
  allowedModels: {
    env: ['GREENROOM_ALLOWED_MODELS'],
    schema: commaList(text),
    description: 'patterns, separated by ",", of the models that agents may use',
    defaultText: 'all',
  },
  modelIdleTimeout: {
    env: ['GREENROOM_MODEL_IDLE_TIMEOUT'],
    schema: idleTimeout,
    description:
      'how long an answer of a model API may be silent before it is cut; it may take 10m or longer to begin (docs/gateway.md)',
    defaultText: "90s for Anthropic's API, which sends pings, else 10m",
  },
  httpsProxy: {
    env: ['https_proxy', 'HTTPS_PROXY'],
    schema: proxyUrl,
    description: 'proxy through which hosts outside are reached by https (docs/configuration.md)',
    defaultText: 'none',
    secret: true,
    noFlag: true,
  },
  httpProxy: {
    env: ['http_proxy', 'HTTP_PROXY'],
    schema: proxyUrl,
    description: 'proxy through which hosts outside are reached by http',
    defaultText: 'none',
    secret: true,
    noFlag: true,
  },
  extraCaCerts: {
    env: ['NODE_EXTRA_CA_CERTS'],
    schema: text,
    description:
      'file with certificates of further CAs, which agents trust as well as the server does (docs/configuration.md)',
    defaultText: 'none',
    noFlag: true,
  },
  noProxy: {
    env: ['no_proxy', 'NO_PROXY'],
    schema: commaList(z.string()).transform((entries) =>
      entries.flatMap((entry) => entry.match(/\S+/g) ?? []),
    ),
    description: 'hosts, separated by ",", that are reached without these proxies; this machine always is',
    defaultText: 'none',
    noFlag: true,
  },
  gatewayMemory: {
    env: ['GREENROOM_GATEWAY_MEMORY'],
    schema: size.refine((bytes) => bytes >= 64 * 2 ** 20, 'must be at least 64MB'),
    description:
      'memory that bodies of model requests may take up at once, those of all agents (docs/gateway.md)',
    defaultText: 'an eighth of the free memory, from 128MB to 1GB',
  },
  prices: {
    env: ['GREENROOM_PRICES'],
    schema: text,
    description: 'JSON file with prices of models, before those that come with the server (docs/budgets.md)',
    defaultText: 'none',
  },
  demoTokensPerSecond: {
    env: ['GREENROOM_DEMO_TOKENS_PER_SECOND'],
    schema: number.pipe(z.number().positive()),
    description: 'pace of the demo model',
    defaultText: '60',
  },
  retention: {
    env: ['GREENROOM_RETENTION'],
    schema: z.union([
      z.literal('never').transform(() => null),
      duration.refine((ms) => ms > 0, 'must be positive'),
    ]),
    description:
      'sessions that ended longer ago than this are deleted, hourly, with their events and transcripts; or never',
    defaultText: 'never',
  },
  auditRetention: {
    env: ['GREENROOM_AUDIT_RETENTION'],
    schema: keepTime,
    description: 'entries of the audit log that are older are deleted, hourly; or never',
    defaultText: '365d',
  },
  ledgerRetention: {
    env: ['GREENROOM_LEDGER_RETENTION'],
    schema: keepTime,
    description:
      'single model requests that are older are deleted, hourly, or never; daily sums of them are kept for ever',
    defaultText: '90d',
  },
  maxQueued: {
    env: ['GREENROOM_MAX_QUEUED'],
    schema: number.pipe(z.int().min(1)),
    description: 'sessions that may wait for a worker; more are answered with 429',
    defaultText: '10000',
  },
  maxQueuedMessages: {
    env: ['GREENROOM_MAX_QUEUED_MESSAGES'],
    schema: number.pipe(z.int().min(1).max(1000)),
    description: 'messages that may wait in one session; more are answered with 429',
    defaultText: '100',
  },
  stallTimeout: {
    env: ['GREENROOM_STALL_TIMEOUT'],
    schema: timer.refine((ms) => ms > 0, 'must be positive'),
    description: 'a turn whose agent and model say nothing for this long is stopped',
    defaultText: '15m, or 5m more than the longest wait for a model API',
  },
  shutdownGrace: {
    env: ['GREENROOM_SHUTDOWN_GRACE'],
    schema: timer,
    description: 'how long running turns may go on after SIGTERM or SIGINT',
    defaultText: '30s',
  },
  logFormat: {
    env: ['GREENROOM_LOG_FORMAT'],
    schema: z.enum(['auto', 'json', 'pretty']),
    description: 'log lines on standard error; auto is pretty on a terminal',
    defaultText: 'auto',
  },
  logLevel: {
    env: ['GREENROOM_LOG_LEVEL'],
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    description: 'least important log line to write',
    defaultText: 'info',
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof configOptions;
export const optionNames = Object.keys(configOptions) as OptionName[];

export function optionOf(name: OptionName): Option {
  return configOptions[name];
}

/** `maxSessions` → `max-sessions` */
export function flagName(name: OptionName): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
