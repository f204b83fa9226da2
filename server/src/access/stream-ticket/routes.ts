import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { getSessionOrThrow } from '../../session/service.ts';
import { createTicket } from './service.ts';
import { ticketRequest, ticketView } from './stream-ticket.ts';

export async function streamTicketRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.post(
    '/stream-tickets',
    {
      config: { scope: 'sessions:read' },
      schema: {
        tags: ['sessions'],
        summary: 'A ticket for one connection to an event stream',
        description:
          'For `EventSource`, which can send no header: `?ticket=` on `GET /events` or `GET /sessions/{session_id}/events`, ' +
          'once, within 30 s, as whoever asked for it. When the connection is lost, get a new one and go on by `after`.',
        body: ticketRequest.nullish(),
        response: { 201: ticketView, ...problems(400, 404, 413, 415, 422, 503) },
      },
    },
    async ({ body, identity, signIn }, reply) => {
      const tenant = context.forTenant({ identity });
      const id = body?.session_id ?? null;
      if (id !== null) await getSessionOrThrow(tenant.db, { tenantId: identity.tenantId, id });
      const { ticket, expiresAt } = await createTicket(context.database.db, { identity, signIn }, id);
      reply.header('cache-control', 'no-store');
      return reply.code(201).send({ ticket, expires_at: expiresAt.toISOString() });
    },
  );
}
