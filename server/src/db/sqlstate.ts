/** SQLSTATEs that this program acts on; the full list is in appendix A of the PostgreSQL manual. */
const DISK_FULL = '53100';
const IDLE_TRANSACTION_TIMEOUT = '25P03';
export const INVALID_CATALOG_NAME = '3D000';
export const UNIQUE_VIOLATION = '23505';
export const INSUFFICIENT_PRIVILEGE = '42501';
export const UNDEFINED_TABLE = '42P01';

const unavailableClasses = ['53', '57', '58'];
/** Connections that could not be made or broke. Not the whole class: in it is a violation of the protocol, our own bug. */
const unavailableCodes = new Set(['08000', '08001', '08003', '08004', '08006', '08007']);
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
    if (code === IDLE_TRANSACTION_TIMEOUT) return true;
    if (/^[0-9A-Z]{5}$/.test(code))
      return unavailableCodes.has(code) || unavailableClasses.includes(code.slice(0, 2));
  }
  return messages.test(error.message);
}

export function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === UNIQUE_VIOLATION;
}

export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === DISK_FULL;
}
