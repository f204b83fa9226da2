import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { type PostgresAccount, postgresProcessOptions } from './postgres-account.ts';
import { readLogTail } from './postgres-log.ts';
import { POSTGRES_PORT } from './postgres-socket.ts';

export type PostmasterOptions = {
  program: string;
  cluster: string;
  socketDirectory: string;
  logPath: string;
  account: PostgresAccount;
  /** A process id in the cluster's pid file that is known to be no postmaster. */
  stalePid: number | undefined;
};

/** One run of PostgreSQL. */
export type Postmaster = {
  /** Resolves when it has ended, however that came about. */
  ended: Promise<void>;
  hasEnded(): boolean;
  stop(): Promise<void>;
  /** The last lines that this run wrote to the log. */
  readLogTail(): string;
};

/**
 * PostgreSQL must end with the server, even with one that is killed. So a shell waits beside it for the end of a pipe
 * that only the server holds, then asks it to stop: fast, at once, and at last without asking. The signals repeat
 * because PostgreSQL, like every background command of a shell, ignores them until it has set itself up. One that
 * was halted is let go on: it ends its own children, halted ones by force, 5 s after it was told to stop at once.
 */
const supervisor = `
trap '' HUP INT TERM
exec 3<&0
"$@" </dev/null 3<&- &
postgres=$!
{
  read -r _ <&3
  for signal in INT INT INT INT INT QUIT QUIT QUIT QUIT QUIT QUIT QUIT QUIT KILL; do
    kill -$signal $postgres 2>/dev/null || break
    kill -CONT $postgres 2>/dev/null
    sleep 1
  done
} &
wait $postgres
kill -KILL 0
`;

/** Starts PostgreSQL; it is not yet ready. */
export function startPostmaster(options: PostmasterOptions): Postmaster {
  const log = openSync(options.logPath, 'a', 0o600);
  const logOffset = fstatSync(log).size;
  const processOptions = postgresProcessOptions(options.account, options.stalePid);
  const shell = spawn('/bin/sh', ['-c', supervisor, 'sh', options.program, ...postgresArguments(options)], {
    ...processOptions,
    // A Ctrl-C at the terminal is for the server, which stops PostgreSQL last.
    detached: true,
    stdio: ['pipe', log, log],
  });
  closeSync(log);

  const { promise: ended, resolve } = Promise.withResolvers<void>();
  let hasEnded = false;
  let failure = '';
  const end = () => {
    hasEnded = true;
    shell.stdin?.destroy();
    resolve();
  };
  shell.once('exit', end).once('error', (error) => {
    failure = error.message;
    end();
  });
  // The shell may be gone already when the pipe is closed.
  shell.stdin?.on('error', () => {});

  return {
    ended,
    hasEnded: () => hasEnded,
    stop() {
      shell.stdin?.end();
      return ended;
    },
    readLogTail: () => [failure, readLogTail(options.logPath, logOffset)].filter(Boolean).join('\n'),
  };
}

function postgresArguments({ cluster, socketDirectory }: PostmasterOptions): string[] {
  const settings = {
    listen_addresses: '',
    port: POSTGRES_PORT,
    unix_socket_directories: `"${socketDirectory.replaceAll('"', '""')}"`,
    shared_buffers: '32MB',
    max_connections: 100,
    log_checkpoints: 'off',
    // Three processes fewer: they would read ahead in a database that the page cache holds.
    io_method: 'sync',
  };
  return ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}
