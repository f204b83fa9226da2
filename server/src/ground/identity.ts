/** Of the local user, and of keys that are made for no other. */
export const DEFAULT_TENANT = 'default';

/**
 * What an API key may do. `admin` includes those before it, over its own tenant; `operator` includes `admin`, and makes
 * and manages the keys of every tenant.
 */
export const scopes = [
  'sessions:read',
  'sessions:write',
  'sessions:bypass',
  'approvals',
  'admin',
  'operator',
] as const;
export type Scope = (typeof scopes)[number];

/** What a key may ask for at once; null is no limit. */
export type KeyLimits = {
  /** On each node. */
  requestsPerSecond: number | null;
  /** Sessions with a turn of the key's that waits or runs. */
  maxActiveSessions: number | null;
  maxQueuedTurns: number | null;
};

/** Who makes a request: an API key, or the one local user of a server on loopback that has no keys. */
export type Identity = {
  tenantId: string;
  /** Null for the local user. */
  apiKeyId: string | null;
  /** For people: the name of the key, or `local`. */
  name: string;
  scopes: ReadonlySet<Scope>;
  limits: KeyLimits;
  /** A key that lasts as long as one sign-in: whoever has it reads as the local user, who goes on with the next one. */
  isOfTerminal?: boolean;
};

/** What of a request says whom and what it is about. */
export type Asked<Params> = { identity: Identity; params: Params };

export const NO_LIMITS: KeyLimits = {
  requestsPerSecond: null,
  maxActiveSessions: null,
  maxQueuedTurns: null,
};

export const LOCAL_USER: Identity = {
  tenantId: DEFAULT_TENANT,
  apiKeyId: null,
  name: 'local',
  scopes: new Set(scopes),
  limits: NO_LIMITS,
};

/** Whoever asks for what everybody may see. Has no tenant, and so nothing. */
export const NOBODY: Identity = {
  tenantId: '',
  apiKeyId: null,
  name: 'nobody',
  scopes: new Set(),
  limits: NO_LIMITS,
};

/** Whose reading is kept apart from that of others in the tenant. */
export type Reader = { tenantId: string; name: string };

export function readerOf({ tenantId, apiKeyId, isOfTerminal = false }: Identity): Reader {
  return { tenantId, name: apiKeyId === null || isOfTerminal ? 'local' : apiKeyId };
}

/** Why somebody may not, for people. */
export function lackOf({ name }: Identity, scope: Scope): string {
  return `The API key "${name}" lacks the scope ${scope}.`;
}

export function mayUse(identity: Identity, scope: Scope): boolean {
  const has = identity.scopes;
  return has.has(scope) || has.has('operator') || (scope !== 'operator' && has.has('admin'));
}
