/** A one-use ticket for an event stream. The ticket itself is nowhere. */
export type StreamTicketTable = {
  hash: Buffer;
  tenant_id: string;
  /** Null is the local user. */
  api_key_id: string | null;
  /** Null is any stream of the tenant. */
  session_id: string | null;
  /** Of the browser that asked for it: the stream ends with its sign-in. */
  sign_in_hash: Buffer | null;
  expires_at: Date;
};
