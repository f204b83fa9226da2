import { z } from 'zod';

const unitSeconds: Record<string, number> = { '': 1, ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** A time span: a number of seconds, or text with a unit (`500ms`, `60s`, `5m`, `12h`, `30d`). Becomes milliseconds. */
const duration = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(String(value).trim());
  const seconds = Number(match?.[1]) * (unitSeconds[match?.[2] ?? ''] ?? Number.NaN);
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  context.addIssue({ code: 'custom', message: 'expected a time span such as 60, 90s, 5m, 12h or 30d' });
  return z.NEVER;
});

// What `setTimeout` can wait.
const timer = duration.refine((ms) => ms < 2 ** 31, 'must be at most 24d');

// Not `z.coerce.number()`, to which null, true and "" are numbers.
const numeral = z
  .string()
  .trim()
  .regex(/^\d+(\.\d+)?$/);
const number = z.union([z.number(), numeral.transform(Number)], { error: 'expected a number' });

const flag = z.union(
  [z.boolean(), z.stringbool({ truthy: ['true', '1', 'yes'], falsy: ['false', '0', 'no'] })],
  {
    error: 'expected true or false',
  },
);

const httpUrl = z.url({ protocol: /^https?$/, error: 'expected an http:// or https:// URL' });
const text = z.string().trim().min(1, 'must not be empty');

type Option = {
  /** Environment names; the first one that is set wins. */
  env: readonly string[];
  /** zod schema of a raw value: a string from a flag or the environment, any JSON from the file. */
  schema: z.ZodType;
  description: string;
  /** What `greenroom config` and the docs show where the default depends on the machine. */
  defaultText: string;
  secret?: true;
  /** Not a flag: a secret on a command line shows in the process list. */
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
  allowedHosts: {
    env: ['GREENROOM_ALLOWED_HOSTS'],
    schema: z.union([
      z.array(text),
      text.transform((names) => names.split(',').map((name) => name.trim().toLowerCase())),
    ]),
    description: 'names, separated by ",", that a server on loopback answers to beside localhost',
    defaultText: 'none',
  },
  workspaceRoots: {
    env: ['GREENROOM_WORKSPACE_ROOTS'],
    schema: z.union([
      z.array(text),
      text.transform((paths) => paths.split(':').filter((path) => path !== '')),
    ]),
    description: 'directories that a session\'s cwd may lie in, separated by ":"',
    defaultText: 'the directory the server was started in, when bound to loopback',
  },
  mcpStdio: {
    env: ['GREENROOM_MCP_STDIO'],
    schema: flag,
    description: 'whether sessions may have MCP servers that are programs (stdio)',
    defaultText: 'true when bound to loopback, else false',
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
  demoTokensPerSecond: {
    env: ['GREENROOM_DEMO_TOKENS_PER_SECOND'],
    schema: number.pipe(z.number().positive()),
    description: 'pace of the demo model',
    defaultText: '60',
  },
  retention: {
    env: ['GREENROOM_RETENTION'],
    schema: duration.refine((ms) => ms > 0, 'must be positive'),
    description: 'sessions that ended longer ago than this are deleted, hourly',
    defaultText: 'never',
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
    defaultText: '15m',
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
