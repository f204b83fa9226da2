import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { meView } from './me.ts';
import { describeMe } from './service.ts';

export async function meRoutes(instance: FastifyInstance, { context }: { context: Context }): Promise<void> {
  instance.withTypeProvider<ZodTypeProvider>().get(
    '/me',
    {
      config: { scope: 'any' },
      schema: {
        tags: ['api-keys'],
        summary: 'Who asks, what they may, and what the server offers them',
        response: { 200: meView, ...problems(503) },
      },
    },
    async ({ identity, signIn }, reply) => {
      reply.header('cache-control', 'no-store');
      return await describeMe(context, { identity, signIn });
    },
  );
}
