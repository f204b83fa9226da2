import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { changePresetRequest, createPresetRequest, presetView } from './preset.ts';
import { changePreset, createPreset, getPreset, presetKey, readPresets, removePreset } from './service.ts';

const params = z.object({ preset_id: z.string() });
const tags = ['presets'];

/** Bodies of `POST /execute/` that a tenant has saved. */
export async function presetRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.get(
    '/presets',
    {
      schema: {
        tags,
        summary: 'Saved bodies of `POST /execute/`, by name',
        response: { 200: z.object({ presets: z.array(presetView) }), ...problems(503) },
      },
    },
    async (request) => ({
      presets: await readPresets(context.forTenant(request).db, request.identity.tenantId),
    }),
  );

  app.post(
    '/presets',
    {
      schema: {
        tags,
        summary: 'Save a body of `POST /execute/` under a name',
        body: createPresetRequest,
        response: { 201: presetView, ...problems(400, 409, 413, 415, 422, 503) },
      },
    },
    async (request, reply) => {
      const { name, description = null, options } = request.body;
      const { db } = context.forTenant(request);
      reply.code(201);
      return await createPreset(db, request.identity, { name, description, options });
    },
  );

  app.get(
    '/presets/:preset_id',
    {
      schema: {
        tags,
        summary: 'One preset',
        params,
        response: { 200: presetView, ...problems(404, 503) },
      },
    },
    async (request) => await getPreset(context.forTenant(request).db, presetKey(request)),
  );

  app.patch(
    '/presets/:preset_id',
    {
      schema: {
        tags,
        summary: 'Rename a preset, or replace its options',
        description: 'A value that is sent back as `********` stays as it is.',
        params,
        body: changePresetRequest,
        response: { 200: presetView, ...problems(400, 404, 409, 413, 415, 422, 503) },
      },
    },
    async (request) => await changePreset(context.forTenant(request).db, presetKey(request), request.body),
  );

  app.delete(
    '/presets/:preset_id',
    {
      schema: {
        tags,
        summary: 'Delete a preset',
        params,
        response: { 200: presetView, ...problems(404, 503) },
      },
    },
    async (request) => await removePreset(context.forTenant(request).db, presetKey(request)),
  );
}
