/** SQLSTATEs that this program acts on; the full list is in appendix A of the PostgreSQL manual. */
const DISK_FULL = '53100';
const ABORTED_TRANSACTION = '25P02';
const LOCK_TIMEOUT = '55P03';
const STATEMENT_CANCELLED = '57014';
export const INVALID_CATALOG_NAME = '3D000';
export const UNIQUE_VIOLATION = '23505';
export const INSUFFICIENT_PRIVILEGE = '42501';
export const UNDEFINED_TABLE = '42P01';

/**
 * Codes and not classes: beside what passes by itself each class has what never will. 08P01 is a violation of the protocol,
 * our own bug; 53400 a limit that the statement would reach again; 57P04 a database that was dropped; 58P01 a file that is
 * missing.
 */
const unavailableCodes = new Set([
  // Connections that could not be made, or broke.
  ...['08000', '08001', '08003', '08004', '08006', '08007'],
  // A transaction that was idle for too long: this program stood still.
  '25P03',
  // Out of resources: of any kind, disk, memory, connections.
  ...['53000', DISK_FULL, '53200', '53300'],
  // Shut down, crashed, not yet started; a session that was idle for too long.
  ...['57P01', '57P02', '57P03', '57P05'],
  // Errors outside of PostgreSQL: of the system, of input and output.
  ...['58000', '58030'],
]);
/** Serialization failure, deadlock: the other transaction has won, and is over. */
const conflictCodes = new Set(['40001', '40P01']);
const networkCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
const networkCalls = new Set(['connect', 'read', 'write', 'getaddrinfo']);
// pg raises these without a code when the connection goes away or none can be had in time.
const messages =
  /connection terminated|connection ended|timeout exceeded when trying to connect|client has encountered a connection error|not queryable|Client was closed/i;

/**
 * True when the database could not be reached, is starting or stopping, or has run out of something (connections,
 * disk): the statement may succeed later. False for errors in the statement itself.
 */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  if (!(error instanceof Error)) return false;
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code !== undefined) {
    // A missing file is ENOENT as well: only the socket is meant.
    if (networkCodes.has(code)) return syscall !== undefined && networkCalls.has(syscall);
    if (/^[0-9A-Z]{5}$/.test(code)) return unavailableCodes.has(code);
  }
  return messages.test(error.message);
}

/** A transaction that lost against another one: run again, it may succeed. */
export function isConflict(error: unknown): boolean {
  return error instanceof Error && conflictCodes.has(codeOf(error) ?? '');
}

/** The connection was in a transaction that had failed: another connection is not. */
export function isAbortedTransaction(error: unknown): boolean {
  return hasCode(error, ABORTED_TRANSACTION);
}

/** `lock_timeout`: somebody has held for long what the statement needs. */
export function isLockTimeout(error: unknown): boolean {
  return hasCode(error, LOCK_TIMEOUT);
}

/** `statement_timeout`, or a person who cancelled it. */
export function isCancelledStatement(error: unknown): boolean {
  return hasCode(error, STATEMENT_CANCELLED);
}

export function isUniqueViolation(error: unknown): boolean {
  return hasCode(error, UNIQUE_VIOLATION);
}

export function isDiskFull(error: unknown): boolean {
  return hasCode(error, DISK_FULL);
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && codeOf(error) === code;
}

function codeOf(error: Error): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
