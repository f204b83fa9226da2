import { DEFAULT_TENANT } from '../db/database.ts';

/** What an API key may do. `admin` includes all others, over its own tenant. */
export const scopes = ['sessions:read', 'sessions:write', 'sessions:bypass', 'approvals', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** Who makes a request: an API key, or the one local user of a server on loopback that has no keys. */
export type Identity = {
  tenantId: string;
  /** Null for the local user. */
  apiKeyId: string | null;
  /** For people: the name of the key, or `local`. */
  name: string;
  scopes: ReadonlySet<Scope>;
};

/** What of a request says whom and what it is about. */
export type Asked<Params> = { identity: Identity; params: Params };

export const LOCAL_USER: Identity = {
  tenantId: DEFAULT_TENANT,
  apiKeyId: null,
  name: 'local',
  scopes: new Set(scopes),
};

export function mayUse(identity: Identity, scope: Scope): boolean {
  return identity.scopes.has('admin') || identity.scopes.has(scope);
}
