import type { Generated } from 'kysely';

/** A browser that is signed in. What its cookie holds is nowhere. */
export type SignInTable = {
  hash: Buffer;
  tenant_id: string;
  api_key_id: string;
  /** Of the key's secret that it was made with: it opens as long as that one. */
  key_hash: Buffer;
  /** The key was made for this sign-in, and ends with it. */
  owns_key: boolean;
  created_at: Generated<Date>;
  expires_at: Date;
};

/** A one-time link. The code itself is nowhere. */
export type SignInCodeTable = {
  hash: Buffer;
  tenant_id: string;
  /** Null is the local operator. */
  api_key_id: string | null;
  expires_at: Date;
};

/** One row. */
export type InstallationTable = { is_only: Generated<boolean>; id: string };
