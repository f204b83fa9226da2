import type { AddressInfo } from 'node:net';
import { type CreatedKey, createFirstKey } from './access/api-key/service.ts';
import { recordCommand } from './access/audit/service.ts';
import { describeKept } from './access/retention/retention.ts';
import { createCode } from './access/sign-in/service.ts';
import { signInLink } from './access/sign-in/sign-in.ts';
import { localUrl } from './command/sign-in-link.ts';
import { type Context, type ContextParts, createContext } from './context.ts';
import { describeModel } from './engine/gateway/upstream.ts';
import { findWarnings, NULL_ORIGIN_WARNING } from './face/operations/warnings.ts';
import { createServer, type Server } from './face/server.ts';
import { type Config, isLocalOnly } from './ground/config/config.ts';
import { StartupError } from './ground/errors.ts';
import { explainDatabase, waitForDatabase } from './ground/postgres/start-patience.ts';
import { LastDeadline } from './ground/util/last-deadline.ts';
import { version } from './ground/version.ts';

export type ServeParts = ContextParts & {
  print: (text: string) => void;
  /** Whether it is a person who reads what is printed. */
  isTerminal: boolean;
  /** Where this process is to put its temporary files from now on. */
  setTemporaryDirectory: (path: string) => void;
  /** Aborts to stop in good order. */
  stop: AbortSignal;
  /** Aborts to stop without waiting for running turns. */
  hurry: AbortSignal;
  /** Ends the process now, since the stop does not come to an end by itself. */
  giveUp: (message: string) => void;
};

/** From the moment in which nothing is left to wait for: for agents to be ended, last writes, and PostgreSQL. */
const LAST_DEADLINE_MS = 15_000;

const GAVE_UP =
  'the server could not stop in good order, since something did not answer (the database?); it ends as it is: nothing accepted is lost, and the next start cleans up';

/** Runs a server until `stop` aborts; then lets running turns end, and closes everything in reverse order. */
export async function serve(config: Config, parts: ServeParts): Promise<void> {
  const { logger, stop, hurry } = parts;
  using deadline = new LastDeadline(() => parts.giveUp(GAVE_UP));
  const noLonger = (): void => deadline.set(LAST_DEADLINE_MS);
  // A start that waits for something can be stopped as well.
  stop.addEventListener('abort', noLonger, { once: true });
  hurry.addEventListener('abort', noLonger, { once: true });
  await using context = await createContext(config, parts);
  parts.setTemporaryDirectory(context.temporaryDirectory);
  const server = await createServer(context);
  const url = await listen(server, config);
  context.dataDirectory.describe({ url });
  try {
    const { databaseWords } = context;
    await waitForDatabase(databaseWords, async () => await context.worker.start());
    logger.info(describeKept(config));
    if (config.corsOrigins.includes('null')) logger.warn(NULL_ORIGIN_WARNING);
    await explainDatabase(databaseWords, async () => await announce(context, { url, ...parts }));
    await aborted(stop);
    if (!hurry.aborted) deadline.set(config.shutdownGrace + LAST_DEADLINE_MS);
    logger.info(
      { signal: stop.reason, grace_ms: config.shutdownGrace },
      'stopping: running turns may end first; a second signal ends them',
    );
    server.startDraining();
    await context.worker.drain(config.shutdownGrace, hurry);
    noLonger();
  } finally {
    await server.app.close();
  }
  logger.info('stopped');
}

/** As late as can be: a start that fails must not take the only key along. */
async function announce(
  context: Context,
  { url, isTerminal, print }: Pick<ServeParts, 'isTerminal' | 'print'> & { url: string },
): Promise<void> {
  const firstKey = isLocalOnly(context.config) ? null : await createFirstKey(context.apiKeys);
  if (firstKey !== null) {
    const done = { action: 'api_key.create', actor: 'first start', key: firstKey.key } as const;
    await recordCommand(context.database.db, done);
  }
  const consoleLine = await describeConsole(context, { url, firstKey, isTerminal });
  print(startBlock(context, { url, firstKey: firstKey?.secret ?? null, consoleLine }));
}

async function listen({ app }: Server, config: Config): Promise<string> {
  try {
    const listenTextResolver = (address: string): string => `Greenroom ${version} listens at ${address}`;
    await app.listen({ host: config.host, port: config.port, listenTextResolver });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new StartupError(`port ${config.port} on ${config.host} is in use`, {
        cause: error,
        hint: 'stop what listens there, or choose another port with --port or GREENROOM_PORT',
      });
    }
    throw new StartupError(`cannot listen on ${config.host}:${config.port} (${code})`, {
      cause: error,
      ...(code === 'EACCES' ? { hint: 'ports below 1024 need privileges: choose another with --port' } : {}),
    });
  }
  const { address, port, family } = app.server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

type Started = { url: string; firstKey: CreatedKey | null; isTerminal: boolean };

/** Where a key is needed, with a link that signs in whoever sits here. */
async function describeConsole(
  { apiKeys, keys }: Context,
  { url, firstKey, isTerminal }: Started,
): Promise<string> {
  const base = localUrl(url);
  if (firstKey !== null || (keys.isNeeded && isTerminal)) {
    const code = await createCode(apiKeys, firstKey?.key ?? null);
    return `Open ${signInLink(base, code)}  (signs you in once, within 15 minutes)`;
  }
  return keys.isNeeded ? `${base}/console/  (greenroom sign-in-link signs you in)` : `${base}/console/`;
}

type Block = { url: string; firstKey: string | null; consoleLine: string };

function startBlock(context: Context, { url, firstKey, consoleLine }: Block): string {
  const { config, dataDirectory, driver, isDatabaseEmbedded } = context;
  const database = isDatabaseEmbedded ? 'its own PostgreSQL' : 'PostgreSQL at DATABASE_URL';
  const warnings = findWarnings(context).map((warning) => `  warning    ${warning}\n`);
  const keyLine = firstKey === null ? '' : `  API key    ${firstKey}  (operator; it is shown this once)\n`;
  const needsKey = context.keys.hasKeys || firstKey !== null;
  const keyHeader = needsKey ? ` -H "authorization: Bearer $GREENROOM_API_KEY"` : '';
  return `
  Greenroom ${version}  ${url}

  model      ${describeModel(context)}
  data       ${dataDirectory.path} (${database})
  isolation  ${driver.name}, up to ${config.maxSessions} agent processes
  console    ${consoleLine}
${keyLine}${warnings.join('')}  stop       Ctrl-C

  try        curl -s ${localUrl(url)}/execute/${keyHeader} -H 'content-type: application/json' -d '{"prompt": "Please introduce yourself."}'

`;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
