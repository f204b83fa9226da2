import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { Identity } from '../../ground/identity.ts';
import { requireTenant } from '../budget/service.ts';
import { readUsage } from './store.ts';
import type { UsageQuery, UsageReport } from './usage.ts';

/** What the model requests of an identity's tenant used and cost; an operator may name another, or all. */
export async function reportUsage(
  db: Kysely<Database>,
  identity: Identity,
  query: UsageQuery,
): Promise<UsageReport> {
  const tenant = requireTenant(identity, query.tenant);
  return await readUsage(db, tenant === '*' ? null : tenant, query);
}
