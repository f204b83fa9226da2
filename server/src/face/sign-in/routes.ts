import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { meView } from '../../access/me/me.ts';
import { describeMe } from '../../access/me/service.ts';
import {
  type OpenedSignIn,
  signInWithCode,
  signInWithKey,
  signOut,
  signOutEverywhere,
} from '../../access/sign-in/service.ts';
import { signInRequest, signOutQuery } from '../../access/sign-in/sign-in.ts';
import type { Context } from '../../context.ts';
import { problems } from '../../ground/http/problem.ts';
import { type Doors, findSignIns, guarded, isRefusal } from '../gate/authentication.ts';
import { requireSameOrigin } from '../gate/same-origin.ts';

export async function signInRoutes(
  instance: FastifyInstance,
  { context, doors }: { context: Context; doors: Doors },
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  const { signIns, cookie } = doors;
  const tags = ['api-keys'];

  app.post(
    '/sign-in',
    {
      config: { scope: null },
      onRequest: async (request) => requireSameOrigin(request),
      schema: {
        tags,
        summary: 'Sign a browser in',
        description:
          'Exchanges an API key, or the code of a link that the server printed, for a cookie that scripts cannot read. ' +
          'Only for pages of this server (`Origin`). It opens what the key opens, until 30 days after its last use, ' +
          'and ends with the key, or with the secret of the key that it was made with. Answers as `GET /me` does.',
        body: signInRequest,
        response: { 200: meView, ...problems(400, 401, 413, 415, 422, 429, 503) },
      },
    },
    async (request, reply) => {
      const opened = await openSignIn(doors, request).catch((error) => {
        if (isRefusal(error)) reply.header('www-authenticate', 'Bearer realm="greenroom"');
        throw error;
      });
      const { secret, signIn } = opened;
      for (const before of await findSignIns(signIns.ring, cookie.read(request))) {
        await signOut(signIns, before);
      }
      request.identity = signIn.identity;
      cookie.set(secret, { request, reply });
      reply.header('cache-control', 'no-store');
      return await describeMe(context, { identity: signIn.identity, signIn });
    },
  );

  app.post(
    '/sign-out',
    {
      config: { scope: 'any' },
      schema: {
        tags,
        summary: 'Sign a browser out',
        description:
          'Ends the sign-in of the cookie, with the streams that it has open, and clears the cookie.',
        querystring: signOutQuery,
        response: { 204: z.null().describe('Signed out.'), ...problems(422, 503) },
      },
    },
    async (request, reply) => {
      const { signIn, identity, query } = request;
      if (query.everywhere === 'true') await signOutEverywhere(signIns, identity);
      if (signIn !== null) await signOut(signIns, signIn);
      cookie.clear({ request, reply });
      return reply.code(204).send(null);
    },
  );
}

async function openSignIn(
  doors: Doors,
  request: FastifyRequest<{ Body: { api_key?: string | undefined; code?: string | undefined } }>,
): Promise<OpenedSignIn> {
  const { api_key: key, code = '' } = request.body;
  return await guarded(doors, request, key ?? code, async () =>
    key === undefined ? await signInWithCode(doors.signIns, code) : await signInWithKey(doors.signIns, key),
  );
}
