import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { sql } from 'kysely';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { describeModel } from '../../engine/gateway/upstream.ts';
import { agentSdkVersion, version } from '../../ground/version.ts';
import { readiness, versions } from './view.ts';
import { findWarnings } from './warnings.ts';

const DATABASE_TIMEOUT_MS = 2_000;

export async function operationsRoutes(
  instance: FastifyInstance,
  { context, isDraining }: { context: Context; isDraining: () => boolean },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const tags = ['operations'];

  app.get(
    '/healthz',
    {
      config: { scope: null },
      schema: {
        tags,
        summary: 'The process is alive',
        response: { 200: z.object({ status: z.literal('ok') }) },
      },
    },
    async () => ({ status: 'ok' as const }),
  );

  app.get(
    '/readyz',
    {
      config: { scope: null },
      schema: { tags, summary: 'The server can take work', response: { 200: readiness, 503: readiness } },
    },
    async (_request, reply) => {
      const isReachable = await canReachDatabase(context);
      const isAccepting = context.worker.isStarted && !isDraining();
      const isReady = isReachable && isAccepting;
      reply.code(isReady ? 200 : 503);
      return {
        status: isReady ? ('ready' as const) : ('not_ready' as const),
        checks: { database: isReachable ? ('ok' as const) : ('failed' as const), accepting: isAccepting },
        model: describeModel(context),
        isolation: context.driver.name,
        warnings: findWarnings(context),
      };
    },
  );

  app.get(
    '/version',
    {
      config: { scope: null },
      schema: {
        tags,
        summary: 'Versions of the server and what it runs on',
        response: { 200: versions },
      },
    },
    async () => ({ name: 'greenroom', version, agent_sdk: agentSdkVersion, node: process.version }),
  );

  app.get('/openapi.json', { config: { scope: null }, schema: { hide: true } }, async () => app.swagger());
}

async function canReachDatabase({ database }: Context): Promise<boolean> {
  const answered = sql`select 1`.execute(database.db).then(
    () => true,
    () => false,
  );
  const late = new Promise<boolean>((resolve) => setTimeout(resolve, DATABASE_TIMEOUT_MS, false).unref());
  return await Promise.race([answered, late]);
}
