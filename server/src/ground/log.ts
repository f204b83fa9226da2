import { type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import { PinoPretty } from 'pino-pretty';
import { createRedactor } from './util/redact.ts';

export type Logger = PinoLogger;
export type LogFormat = 'auto' | 'json' | 'pretty';
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent';

export type LogOptions = {
  format: LogFormat;
  level: LogLevel;
  isTty: boolean;
  /** Masked wherever they would stand. */
  secrets?: readonly string[];
};

/**
 * Logs go to standard error: JSON lines, or readable ones on a terminal. Standard output stays free for what a
 * command prints. No prompt and no secret is logged at `info`.
 */
export function createLogger(options: LogOptions): Logger {
  const pretty = options.format === 'pretty' || (options.format === 'auto' && options.isTty);
  const settings = {
    level: options.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    hooks: { streamWrite: createRedactor(options.secrets) },
  };
  const stream = pretty
    ? PinoPretty({ destination: 2, sync: true, translateTime: 'HH:MM:ss.l' })
    : pino.destination({ dest: 2, sync: true });
  // A log that cannot be written (a full disk, a reader that went away) must not stop the server. Written at once, since
  // pino would otherwise repeat the last write at exit, for ever while the disk is full.
  stream.on('error', () => {});
  return pino(settings, stream);
}

export function createSilentLogger(): Logger {
  return pino({ level: 'silent' });
}
