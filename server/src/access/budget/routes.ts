import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { budgetPeriod, requireBudgetsHold } from '../../session/usage/budget.ts';
import { tenantName } from '../api-key/api-key.ts';
import { budgetRequest, budgetView } from './budget.ts';
import { listTenantBudgets, removeBudget, setBudget } from './service.ts';

const tags = ['usage'];
const ofKey = z.object({ api_key_id: z.string(), period: budgetPeriod });
const ofTenant = z.object({ period: budgetPeriod });
const tenantQuery = z.strictObject({
  tenant: tenantName.optional().describe('Another one than the own: for operators.'),
});
// Who administers a tenant shares its budget out among its keys, and cannot raise it.
const operator = { scope: 'operator' } as const;
const admin = { scope: 'admin' } as const;

/** What API keys and tenants may spend. A session's own budget is its option `max_budget_usd`. */
export async function budgetRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const { apiKeys } = context;

  app.get(
    '/budgets',
    {
      config: admin,
      schema: {
        tags,
        summary: 'Budgets of the tenant and of its API keys, with what was spent in the present period',
        querystring: tenantQuery,
        response: { 200: z.object({ budgets: z.array(budgetView) }), ...problems(403, 422, 503) },
      },
    },
    async ({ identity, query }) => ({
      budgets: await listTenantBudgets(apiKeys.db, identity, query.tenant),
    }),
  );

  app.put(
    '/budgets/tenant/:period',
    {
      config: operator,
      schema: {
        tags,
        summary: 'Limit what a tenant may spend in a day, in a month, or in all',
        params: ofTenant,
        querystring: tenantQuery,
        body: budgetRequest,
        response: { 200: budgetView, ...problems(400, 409, 413, 415, 422, 503) },
      },
    },
    async ({ identity, params, query, body }) => {
      requireBudgetsHold(context);
      return await setBudget(apiKeys, identity, {
        target: { tenant: query.tenant },
        period: params.period,
        limitUsd: body.limit_usd,
      });
    },
  );

  app.delete(
    '/budgets/tenant/:period',
    {
      config: operator,
      schema: {
        tags,
        summary: 'Remove a limit of a tenant',
        params: ofTenant,
        querystring: tenantQuery,
        response: { 200: budgetView, ...problems(404, 422, 503) },
      },
    },
    async ({ identity, params, query }) =>
      await removeBudget(apiKeys, identity, { target: { tenant: query.tenant }, period: params.period }),
  );

  app.put(
    '/budgets/api-keys/:api_key_id/:period',
    {
      config: admin,
      schema: {
        tags,
        summary: 'Limit what an API key may spend in a day, in a month, or in all',
        params: ofKey,
        body: budgetRequest,
        response: { 200: budgetView, ...problems(400, 404, 409, 413, 415, 422, 503) },
      },
    },
    async ({ identity, params, body }) => {
      requireBudgetsHold(context);
      return await setBudget(apiKeys, identity, {
        target: { apiKeyId: params.api_key_id },
        period: params.period,
        limitUsd: body.limit_usd,
      });
    },
  );

  app.delete(
    '/budgets/api-keys/:api_key_id/:period',
    {
      config: admin,
      schema: {
        tags,
        summary: 'Remove a limit of an API key',
        params: ofKey,
        response: { 200: budgetView, ...problems(404, 422, 503) },
      },
    },
    async ({ identity, params: { api_key_id: apiKeyId, period } }) =>
      await removeBudget(apiKeys, identity, { target: { apiKeyId }, period }),
  );
}
