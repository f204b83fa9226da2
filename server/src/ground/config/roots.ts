import { resolve } from 'node:path';
import { DEFAULT_TENANT } from '../identity.ts';

/** Whose sessions may work below a path; `*` is every tenant. */
type Root = { tenant: string; path: string };

/** What a tenant's name may be; a path that looks as if one stood before it begins with `./`. */
const assigned = /^([a-z0-9][a-z0-9._-]{0,62}|\*)=(.+)$/s;

function parseRoot(entry: string): Root {
  const [, tenant, path] = assigned.exec(entry) ?? [];
  return tenant === undefined || path === undefined
    ? { tenant: DEFAULT_TENANT, path: entry }
    : { tenant, path };
}

/** The entry with an absolute path. */
export function resolveRoot(entry: string, cwd: string): string {
  const { tenant, path } = parseRoot(entry);
  return tenant === DEFAULT_TENANT ? resolve(cwd, path) : `${tenant}=${resolve(cwd, path)}`;
}

/** The paths of `workspaceRoots` that a tenant's sessions may work below. A plain path is for the tenant `default`. */
export function rootsOf(entries: readonly string[], tenantId: string): string[] {
  return entries
    .map(parseRoot)
    .filter(({ tenant }) => tenant === tenantId || tenant === '*')
    .map(({ path }) => path);
}
