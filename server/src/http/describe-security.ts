import { jsonSchemaTransform } from 'fastify-type-provider-zod';
import { scopeOf } from './authentication.ts';

export const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'An API key: `Authorization: Bearer grk_…`' },
  header: { type: 'apiKey', in: 'header', name: 'x-api-key', description: 'The same key' },
  ticket: { type: 'apiKey', in: 'query', name: 'ticket', description: 'See `POST /stream-tickets`' },
} as const;

/** Puts in the document which scope a key must have for each route; a route that lets everybody in says so. */
export const describeRoute: typeof jsonSchemaTransform = (input) => {
  const described = jsonSchemaTransform(input);
  const { config, method } = input.route;
  const [first = 'GET'] = [method].flat();
  const scope = scopeOf({ config, method: first });
  const ticket = config?.acceptsTicket === true ? [{ ticket: [scope ?? ''] }] : [];
  const security = scope === null ? [] : [{ bearer: [scope] }, { header: [scope] }, ...ticket];
  return { ...described, schema: { ...described.schema, security } };
};
