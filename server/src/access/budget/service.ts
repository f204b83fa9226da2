import type { Kysely } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import { inTransaction } from '../../ground/db/transaction.ts';
import { AppError } from '../../ground/errors.ts';
import { type Identity, mayUse } from '../../ground/identity.ts';
import type { BudgetPeriod } from '../../session/usage/budget.ts';
import { type ApiKeyServices, keyToManage } from '../api-key/service.ts';
import type { BudgetView } from './budget.ts';
import { type BudgetKey, type BudgetRow, deleteBudget, listBudgets, putBudget } from './store.ts';

/*
 * Sets what may be spent. Whether it is spent is looked at by the ledger (engine/gateway/ledger.ts) before each model request, and
 * before a turn begins (engine/hold/turns.ts).
 */

/** Whose budget somebody means: that of an API key, or of a tenant. */
export type BudgetTarget = { apiKeyId: string } | { tenant: string | undefined };

export async function listTenantBudgets(
  db: Kysely<Database>,
  identity: Identity,
  tenant: string | undefined,
): Promise<BudgetView[]> {
  const rows = await listBudgets(db, requireTenant(identity, tenant));
  return rows.map(toView);
}

/** Sets or changes a limit; it holds from the next model request on. */
export async function setBudget(
  services: ApiKeyServices,
  identity: Identity,
  budget: { target: BudgetTarget; period: BudgetPeriod; limitUsd: number },
): Promise<BudgetView> {
  const key = await findBudgetKey(services, identity, budget);
  const { limitUsd } = budget;
  return toView(await inTransaction(services.db, async (trx) => await putBudget(trx, key, limitUsd)));
}

export async function removeBudget(
  services: ApiKeyServices,
  identity: Identity,
  budget: { target: BudgetTarget; period: BudgetPeriod },
): Promise<BudgetView> {
  const row = await deleteBudget(services.db, await findBudgetKey(services, identity, budget));
  if (row !== undefined) return toView(row);
  throw new AppError('not_found', `There is no such budget for the period "${budget.period}".`, {
    hint: 'GET /budgets lists them',
  });
}

async function findBudgetKey(
  services: ApiKeyServices,
  identity: Identity,
  { target, period }: { target: BudgetTarget; period: BudgetPeriod },
): Promise<BudgetKey> {
  if ('tenant' in target) {
    return { tenantId: requireTenant(identity, target.tenant), apiKeyId: null, period };
  }
  const { tenantId, id } = await keyToManage(services, identity, target.apiKeyId);
  return { tenantId, apiKeyId: id, period };
}

/** An operator may name any tenant, others have their own. */
export function requireTenant(identity: Identity, named: string | undefined): string {
  if (named === undefined || named === identity.tenantId) return identity.tenantId;
  if (mayUse(identity, 'operator')) return named;
  throw new AppError('forbidden', 'Only an operator has to do with other tenants.', {
    hint: 'leave `tenant` out, or use a key with the scope operator',
  });
}

function toView({ created_at, updated_at, ...row }: BudgetRow): BudgetView {
  return { ...row, created_at: created_at.toISOString(), updated_at: updated_at.toISOString() };
}
