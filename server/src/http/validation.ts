import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { didYouMean } from '../util/suggest.ts';

type Issue = { instancePath: string; message?: string | undefined; params?: { issue?: unknown } };

const unknownKeys = z.looseObject({ code: z.literal('unrecognized_keys'), keys: z.array(z.string()) });

/** One entry per invalid field; an unknown field comes with the nearest known name. */
export function fieldErrors(issues: readonly Issue[], request: FastifyRequest): FieldError[] {
  return issues.flatMap(({ instancePath, message, params }) => {
    const field = instancePath.replace(/^\//, '').replaceAll('/', '.');
    const unknown = unknownKeys.safeParse(params?.issue);
    if (!unknown.success) return [{ field, message: message ?? 'is not valid' }];
    return unknown.data.keys.map((key) => ({
      field: field === '' ? key : `${field}.${key}`,
      message: `unknown field${didYouMean(key, knownFields(request))}`,
    }));
  });
}

function knownFields(request: FastifyRequest): string[] {
  const { body, querystring } = request.routeOptions.schema ?? {};
  return [body, querystring].flatMap((schema) =>
    schema instanceof z.ZodObject ? Object.keys(schema.shape) : [],
  );
}
