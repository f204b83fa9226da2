import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { type Identity, mayUse } from '../../ground/identity.ts';
import { type AuditQuery, auditEntry, auditQuery } from './audit.ts';
import { type AuditFilter, exportAudit, listAuditPage } from './service.ts';

const LINES = 'application/x-ndjson';

/** Who did what: of a tenant, for its administrators; of all, for operators. */
export async function auditRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    '/audit',
    {
      config: { scope: 'admin' },
      schema: {
        tags: ['audit'],
        summary: 'Who did what, newest first',
        description:
          'What changes something, and every request that was denied. No prompts, no contents, no secrets.',
        querystring: auditQuery,
        response: {
          200: {
            description: 'Entries',
            content: {
              'application/json': {
                schema: z.object({ entries: z.array(auditEntry), next: z.string().nullable() }),
              },
              [LINES]: { schema: z.string().describe('An `AuditEntry` a line.') },
            },
          },
          ...problems(422, 503),
        },
      },
    },
    async ({ identity, query }, reply) => {
      const filter = toFilter(identity, query);
      const { db } =
        filter.tenantId === identity.tenantId ? context.forTenant({ identity }) : context.database;
      if (query.format === 'jsonl') return sendLines(reply, exportAudit(db, filter));
      return await listAuditPage(db, filter);
    },
  );
}

function sendLines(reply: FastifyReply, lines: AsyncIterable<string>): FastifyReply {
  return reply
    .type(LINES)
    .header('content-disposition', 'attachment; filename="audit.jsonl"')
    .send(Readable.from(lines));
}

function toFilter(identity: Identity, { tenant, cursor, format: _, ...query }: AuditQuery): AuditFilter {
  const tenantId = mayUse(identity, 'operator') ? (tenant ?? null) : identity.tenantId;
  return { ...query, tenantId, before: cursor };
}
