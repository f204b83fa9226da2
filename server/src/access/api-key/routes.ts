import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { NO_LIMITS } from '../../ground/identity.ts';
import {
  apiKeyView,
  changeKeyRequest,
  createdKeyView,
  createKeyRequest,
  rotateKeyRequest,
  tenantName,
  toDate,
  toKeyView,
  toLimits,
} from './api-key.ts';
import {
  changeKey,
  createKey,
  getKey,
  keyOf,
  keyToManage,
  listKeyPage,
  requireOwnScopes,
  revokeKey,
  rotateKey,
  tenantOfKeys,
} from './service.ts';

const params = z.object({ api_key_id: z.string() });
const tags = ['api-keys'];
const config = { scope: 'admin' } as const;

const listQuery = z.strictObject({
  tenant: tenantName.optional().describe('Another one than the own: for operators.'),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  cursor: z.string().max(100).optional().describe('`next` of the page before.'),
});

/** Keys of a tenant, for its administrators; of every tenant, for operators. Nobody changes one with more rights. */
export async function apiKeyRoutes(
  instance: FastifyInstance,
  { context }: { context: Context },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const { apiKeys, keys } = context;

  app.post(
    '/api-keys',
    {
      config,
      schema: {
        tags,
        summary: 'Make an API key',
        description: 'Its secret is in this answer and nowhere else. No key can give a scope that it lacks.',
        body: createKeyRequest,
        response: { 201: createdKeyView, ...problems(400, 413, 415, 422, 503) },
      },
    },
    async ({ body, identity }, reply) => {
      requireOwnScopes(identity, body.scopes);
      const { key, secret } = await createKey(apiKeys, {
        tenantId: tenantOfKeys(identity, body.tenant),
        name: body.name,
        scopes: body.scopes,
        expiresAt: toDate(body.expires_at ?? null),
        limits: { ...NO_LIMITS, ...toLimits(body) },
        createdBy: identity.name,
      });
      keys.noticeChange(key.id);
      return reply.code(201).send({ ...toKeyView(key), key: secret });
    },
  );

  app.get(
    '/api-keys',
    {
      config,
      schema: {
        tags,
        summary: 'API keys, newest first, revoked ones too',
        querystring: listQuery,
        response: {
          200: z.object({ api_keys: z.array(apiKeyView), next: z.string().nullable() }),
          ...problems(422, 503),
        },
      },
    },
    async ({ query, identity }) => {
      const tenantId = tenantOfKeys(identity, query.tenant);
      const page = { tenantId, limit: query.limit, before: query.cursor ?? null };
      const found = await listKeyPage(apiKeys, page);
      return { api_keys: found.keys.map(toKeyView), next: found.next };
    },
  );

  app.get(
    '/api-keys/:api_key_id',
    {
      config,
      schema: {
        tags,
        summary: 'One API key',
        params,
        response: { 200: apiKeyView, ...problems(404, 503) },
      },
    },
    async ({ params, identity }) => toKeyView(await getKey(apiKeys, keyOf(identity, params.api_key_id))),
  );

  app.patch(
    '/api-keys/:api_key_id',
    {
      config,
      schema: {
        tags,
        summary: 'Change the name, the end or the limits of an API key',
        params,
        body: changeKeyRequest,
        response: { 200: apiKeyView, ...problems(400, 404, 413, 415, 422, 503) },
      },
    },
    async ({ params, body, identity }) => {
      const { name, expires_at } = body;
      const change = {
        ...(name === undefined ? {} : { name }),
        ...(expires_at === undefined ? {} : { expiresAt: toDate(expires_at) }),
        limits: toLimits(body),
      };
      const target = await keyToManage(apiKeys, identity, params.api_key_id);
      const key = await changeKey(apiKeys, target, change);
      keys.noticeChange(key.id);
      return toKeyView(key);
    },
  );

  app.post(
    '/api-keys/:api_key_id/rotate',
    {
      config,
      schema: {
        tags,
        summary: 'Give an API key a new secret',
        description: 'The one before it still opens for a while; one that is older does not.',
        params,
        body: rotateKeyRequest.nullish(),
        response: { 200: createdKeyView, ...problems(400, 404, 409, 413, 415, 422, 503) },
      },
    },
    async ({ params, body, identity }) => {
      const { keep_previous_s } = body ?? rotateKeyRequest.parse({});
      const target = await keyToManage(apiKeys, identity, params.api_key_id);
      const { key, secret } = await rotateKey(apiKeys, target, { keepMs: keep_previous_s * 1000 });
      keys.noticeChange(key.id);
      return { ...toKeyView(key), key: secret };
    },
  );

  app.delete(
    '/api-keys/:api_key_id',
    {
      config,
      schema: {
        tags,
        summary: 'Revoke an API key',
        description:
          'For good: within seconds it opens nothing on any node, and what it has open is cut off.',
        params,
        response: { 200: apiKeyView, ...problems(404, 503) },
      },
    },
    async ({ params, identity }) => {
      const key = await revokeKey(apiKeys, await keyToManage(apiKeys, identity, params.api_key_id));
      keys.noticeChange(key.id);
      return toKeyView(key);
    },
  );
}
