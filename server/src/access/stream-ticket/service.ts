import { createHash, randomBytes } from 'node:crypto';
import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { AppError } from '../../ground/errors.ts';
import type { Identity } from '../../ground/identity.ts';
import { insertTicket, type TakenTicket, takeTicket } from './store.ts';

export const TICKET_SECONDS = 30;

const FORM = /^[A-Za-z0-9_-]{43}$/;

/** For one connection to an event stream, by whoever cannot send a header: the `EventSource` of browsers. */
export async function createTicket(
  db: Kysely<Database>,
  { identity, signIn }: { identity: Identity; signIn: { hash: Buffer } | null },
  sessionId: string | null,
): Promise<{ ticket: string; expiresAt: Date }> {
  const ticket = randomBytes(32).toString('base64url');
  const { tenantId, apiKeyId } = identity;
  const stored = {
    hash: hashTicket(ticket),
    tenantId,
    apiKeyId,
    sessionId,
    seconds: TICKET_SECONDS,
    signInHash: signIn?.hash ?? null,
  };
  return { ticket, expiresAt: await insertTicket(db, stored) };
}

/** @param sessionId the session whose stream is asked for; null is the stream over many. Throws `unauthorized`. */
export async function redeemTicket(
  db: Kysely<Database>,
  { ticket, sessionId }: { ticket: string; sessionId: string | null },
): Promise<TakenTicket> {
  const taken = FORM.test(ticket) ? await takeTicket(db, hashTicket(ticket)) : undefined;
  const isFor = taken !== undefined && (taken.sessionId === null || taken.sessionId === sessionId);
  if (isFor) return taken;
  throw new AppError(
    'unauthorized',
    'The stream ticket is not known, was used, has expired, or is for another stream.',
    {
      hint: `get a new one for each connection: POST /stream-tickets; it holds for ${TICKET_SECONDS} s`,
    },
  );
}

// 256 random bits need no slow hash.
function hashTicket(ticket: string): Buffer {
  return createHash('sha256').update(ticket).digest();
}
