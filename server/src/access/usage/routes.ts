import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { mayUse } from '../../ground/identity.ts';
import { reportUsage } from './service.ts';
import { usageQuery, usageReport } from './usage.ts';

/** What model requests used and cost. */
export async function usageRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/usage',
    {
      schema: {
        tags: ['usage'],
        summary: 'Tokens and cost by day, model, API key, tenant, session or turn: sums over the ledger',
        querystring: usageQuery,
        response: { 200: usageReport, ...problems(422, 503) },
      },
    },
    async (request) => {
      const { identity, query } = request;
      // Operators look at all tenants together.
      const { db } = mayUse(identity, 'operator') ? context.database : context.forTenant(request);
      return await reportUsage(db, identity, query);
    },
  );
}
