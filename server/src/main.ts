#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { delimiter, sep } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import envPaths from 'env-paths';
import { examine } from './command/doctor/doctor.ts';
import { renderFindings } from './command/doctor/finding.ts';
import {
  createCommand,
  type KeysCommand,
  type KeysFlags,
  listCommand,
  revokeCommand,
  rotateCommand,
  runKeysCommand,
} from './command/keys.ts';
import { createSignInLink } from './command/sign-in-link.ts';
import { giveToScope } from './engine/agent/sdk-scope.ts';
import {
  type Config,
  configuredSecrets,
  describeConfig,
  type LoadedConfig,
  loadConfig,
} from './ground/config/config.ts';
import { flagName, optionNames, optionOf } from './ground/config/options.ts';
import { errorMessage, StartupError } from './ground/errors.ts';
import { createLogger, createSilentLogger, type Logger } from './ground/log.ts';
import { version } from './ground/version.ts';
import { serve } from './serve.ts';

/*
 * The commands. The only file that reads the process's arguments and environment, handles signals, and exits.
 * Exit codes: 0 ok, 1 could not start or failed, 2 wrong usage.
 */

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';

const program = new Command('greenroom')
  .description('Claude agents behind one HTTP API: durable sessions on PostgreSQL.')
  .version(version)
  .allowExcessArguments(false)
  .exitOverride()
  .addHelpText('after', '\nOptions of the server: greenroom serve --help')
  .showHelpAfterError('(greenroom --help lists the commands)');

addOptions(
  program.command('serve', { isDefault: true }).description('start the server (the default)'),
).action(async (_options: unknown, command: Command) => await runServer(readConfig(command)));

addOptions(
  program.command('config').description('print the effective configuration and where each value came from'),
).action((_options: unknown, command: Command) => printConfig(readConfig(command)));

addOptions(
  program
    .command('doctor')
    .description('check everything that the server needs; exit code 1 if something fails'),
).action(async (_options: unknown, command: Command) => await runDoctor(readConfig(command)));

const keys = program.command('keys').description('make, list, rotate and revoke API keys');
const tenantFlag = ['--tenant <name>', 'whose key it is (default: default)'] as const;

addKeysCommand('create', 'make a key; it is printed once')
  .requiredOption('--name <name>', 'what people call it')
  .option(...tenantFlag)
  .option('--scopes <scopes>', 'what it may do (default: sessions:read,sessions:write,approvals)')
  .option('--expires <time>', 'after how long it ends, such as 90d (default: never)')
  .option('--requests-per-second <number>', 'requests on each server (default: no limit)')
  .option('--max-active-sessions <number>', 'its sessions at work or waiting for that (default: no limit)')
  .option('--max-queued-turns <number>', 'its turns that wait (default: no limit)')
  .action(async (flags: KeysFlags, command: Command) => await runKeys(command, createCommand(flags)));

addKeysCommand('list', 'list the keys of a tenant')
  .option(...tenantFlag)
  .action(async (flags: KeysFlags, command: Command) => await runKeys(command, listCommand(flags)));

addKeysCommand('rotate <id>', 'give a key a new secret, which is printed once')
  .option('--keep <time>', 'for how long the secret before it still opens (default: 24h)')
  .action(
    async (id: string, flags: KeysFlags, command: Command) =>
      await runKeys(command, rotateCommand(id, flags)),
  );

addKeysCommand('revoke <id>', 'end a key for good').action(
  async (id: string, _flags: KeysFlags, command: Command) => await runKeys(command, revokeCommand(id)),
);

program
  .command('sign-in-link')
  .description("print a link that signs the operator in to the server's console, once, within 15 minutes")
  .option('--config <file>', "the server's configuration file")
  .option('--data-dir <path>', "the server's data directory")
  .option('--url <url>', 'where the browser reaches the server (default: where it listens)')
  .action(async ({ url }: { url?: string }, command: Command) => await printSignInLink(command, url));

async function printSignInLink(command: Command, url: string | undefined): Promise<void> {
  const { config } = readConfig(command);
  const link = await createSignInLink({ config, logger: createCommandLogger(config) }, url);
  process.stdout.write(`${link}\n`);
}

function createCommandLogger({ logFormat: format }: Config): Logger {
  return createLogger({ format, level: 'warn', isTty: process.stderr.isTTY === true });
}

function addKeysCommand(nameAndArguments: string, description: string): Command {
  return keys
    .command(nameAndArguments)
    .description(description)
    .option('--config <file>', "the server's configuration file")
    .option('--data-dir <path>', "the server's data directory");
}

async function runKeys(command: Command, run: KeysCommand): Promise<void> {
  const { config } = readConfig(command);
  const { output, note } = await runKeysCommand({ config, logger: createCommandLogger(config) }, run);
  process.stdout.write(output);
  if (note !== undefined) process.stderr.write(`${note}\n`);
}

function addOptions(command: Command): Command {
  command.option('--config <file>', 'configuration file (default: ./greenroom.config.json, if there is one)');
  for (const name of optionNames) {
    const { description, defaultText, noFlag, env } = optionOf(name);
    if (noFlag) continue;
    command.addOption(
      new Option(
        `--${flagName(name)} <value>`,
        `${description} (${env.join(', ')}; default: ${defaultText})`,
      ),
    );
  }
  return command;
}

function readConfig(command: Command): LoadedConfig {
  const { config: file, url: _, ...flags } = command.opts<{ config?: string; url?: string }>();
  return loadConfig({
    flags,
    file,
    env: process.env,
    cwd: process.cwd(),
    machine: {
      userDataDir: envPaths('greenroom', { suffix: '' }).data,
      isRoot: process.getuid?.() === 0,
      availableMemory: process.availableMemory(),
      cores: availableParallelism(),
    },
  });
}

function printConfig(loaded: LoadedConfig): void {
  const lines = describeConfig(loaded);
  const width = Math.max(...lines.map((line) => line.name.length));
  for (const { name, value, origin } of lines)
    process.stdout.write(`${name.padEnd(width)}  ${value}  (${origin})\n`);
}

async function runDoctor({ config }: LoadedConfig): Promise<void> {
  const findings = await examine(config, {
    logger: createSilentLogger(),
    agentPath: agentSearchPath(process.env.PATH ?? DEFAULT_PATH),
    nodeVersion: process.versions.node,
    availableMemory: process.availableMemory(),
  });
  process.stdout.write(renderFindings(findings));
  if (findings.some(({ level }) => level === 'fail')) process.exitCode = 1;
}

// npm hands on the Ctrl-C that the terminal has already sent: one press arrives twice.
const SAME_PRESS_MS = 500;

async function runServer({ config }: LoadedConfig): Promise<void> {
  const logger = createLogger({
    format: config.logFormat,
    level: config.logLevel,
    isTty: process.stderr.isTTY === true,
    secrets: configuredSecrets(config),
  });
  const stop = new AbortController();
  const hurry = new AbortController();
  let stoppedAt = 0;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (!stop.signal.aborted) {
        stoppedAt = performance.now();
        stop.abort(signal);
      } else if (performance.now() - stoppedAt > SAME_PRESS_MS) hurry.abort();
    });
  }
  // Whoever read the output may go away, or its disk be full: no reason to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  process.on('uncaughtException', (error) => {
    if (giveToScope(error)) {
      logger.error({ err: error }, 'the Agent SDK failed; its agent is ended');
      return;
    }
    logger.fatal({ err: error }, 'nobody handled this error: a bug; the server stops');
    process.stderr.write(`${error.stack ?? String(error)}\n`);
    process.exit(1);
  });
  await serve(config, {
    logger,
    agentPath: agentSearchPath(process.env.PATH ?? DEFAULT_PATH),
    setTemporaryDirectory: (path) => {
      process.env.TMPDIR = path;
    },
    print: (text) => process.stdout.write(text),
    isTerminal: process.stdout.isTTY === true,
    stop: stop.signal,
    hurry: hurry.signal,
    giveUp: (message) => {
      logger.fatal(message);
      process.stderr.write(`error: ${message}\n`);
      // What it started ends with it.
      process.exit(1);
    },
  });
}

// npm puts its own directories first, which are no business of the agents.
function agentSearchPath(path: string): string {
  const isOurs = (directory: string): boolean => directory.includes(`${sep}node_modules${sep}`);
  return path
    .split(delimiter)
    .filter((directory) => directory !== '' && !isOurs(directory))
    .join(delimiter);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof StartupError) {
    const hint = error.hint === undefined ? '' : `hint: ${error.hint}\n`;
    process.stderr.write(`error: ${error.message}\n${hint}`);
    process.exitCode = 1;
  } else {
    process.stderr.write(
      `error: ${error instanceof Error ? (error.stack ?? errorMessage(error)) : String(error)}\n`,
    );
    process.exitCode = 1;
  }
}
