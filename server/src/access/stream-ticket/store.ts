import { type Kysely, sql } from 'kysely';
import type { Database } from '../../ground/db/database.ts';

export type NewStreamTicket = {
  hash: Buffer;
  tenantId: string;
  apiKeyId: string | null;
  sessionId: string | null;
  signInHash: Buffer | null;
  seconds: number;
};

/** By the clock of the database, which all nodes share. */
export async function insertTicket(db: Kysely<Database>, ticket: NewStreamTicket): Promise<Date> {
  const { rows } = await sql<{ expires_at: Date }>`
    insert into stream_tickets (hash, tenant_id, api_key_id, session_id, sign_in_hash, expires_at)
    values (${ticket.hash}, ${ticket.tenantId}, ${ticket.apiKeyId}, ${ticket.sessionId}, ${ticket.signInHash},
      now() + make_interval(secs => ${ticket.seconds}))
    returning expires_at
  `.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the ticket was not stored');
  return row.expires_at;
}

export type TakenTicket = { apiKeyId: string | null; sessionId: string | null; signInHash: Buffer | null };

/** Takes the ticket out of the world, and those that have expired with it: whoever asks next finds none. */
export async function takeTicket(db: Kysely<Database>, hash: Buffer): Promise<TakenTicket | undefined> {
  const { rows } = await sql<TakenTicket & { isValid: boolean }>`
    with taken as (
      delete from stream_tickets where hash = ${hash} or expires_at < now() - interval '1 minute'
      returning hash, api_key_id, session_id, sign_in_hash, expires_at
    )
    select api_key_id as "apiKeyId", session_id as "sessionId", sign_in_hash as "signInHash", expires_at > now() as "isValid"
    from taken where hash = ${hash}
  `.execute(db);
  const [ticket] = rows;
  if (!ticket?.isValid) return undefined;
  const { apiKeyId, sessionId, signInHash } = ticket;
  return { apiKeyId, sessionId, signInHash };
}
