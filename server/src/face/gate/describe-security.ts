import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { scopeOf } from './authentication.ts';

export const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer grk_…`' },
  header: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same key' },
  cookie: {
    type: 'apiKey',
    in: 'cookie',
    name: 'greenroom-ID',
    description:
      'Of a browser that is signed in (`POST /sign-in`). ID differs by installation; over https the name begins with `__Host-`',
  },
  ticket: { type: 'apiKey', in: 'query', name: 'ticket', description: 'See `POST /stream-tickets`' },
} as const;

/** Puts in the document which scope a key must have for each route; a route that lets everybody in says so. */
export const describeRoute: typeof jsonSchemaTransform = (input) => {
  const described = jsonSchemaTransform(input);
  const { config, method } = input.route;
  const [first = 'GET'] = [method].flat();
  const scope = scopeOf({ config, method: first });
  const needed = scope === null || scope === 'any' ? [] : [scope];
  const ticket = config?.acceptsTicket === true ? [{ ticket: needed }] : [];
  const security =
    scope === null ? [] : [{ bearer: needed }, { header: needed }, { cookie: needed }, ...ticket];
  return { ...described, schema: { ...described.schema, security } };
};
