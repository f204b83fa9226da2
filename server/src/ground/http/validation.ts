import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { FieldError } from '../errors.ts';
import { didYouMean } from '../util/suggest.ts';

/** One of zod's issues, as `fastify-type-provider-zod` hands it on. */
type Issue = { keyword?: string; instancePath: string; message?: string; params?: Record<string, unknown> };

/** The part of a request that was validated. */
type Part = 'body' | 'querystring' | 'params' | 'headers';

const unknownKeys = z.looseObject({ keys: z.array(z.string()) });

/** Nobody reads more of them, and a request may have as many as it has fields. */
const MAX_ERRORS = 50;

/** One entry per invalid field, of the first 50; an unknown field comes with the nearest known name. */
export function fieldErrors(
  issues: readonly Issue[],
  where: { request: FastifyRequest; part: Part },
): FieldError[] {
  return issues
    .slice(0, MAX_ERRORS)
    .flatMap((issue) => describeIssue(issue, where))
    .slice(0, MAX_ERRORS);
}

function describeIssue(
  { keyword, instancePath, message, params }: Issue,
  { request, part }: { request: FastifyRequest; part: Part },
): FieldError[] {
  const field = instancePath.replace(/^\//, '').replaceAll('/', '.');
  if (part === 'body' && field === '' && keyword === 'invalid_type') {
    return [{ field, message: 'the body must be a JSON object' }];
  }
  const unknown = unknownKeys.safeParse(params);
  if (keyword !== 'unrecognized_keys' || !unknown.success) {
    return [{ field, message: message ?? 'is not valid' }];
  }
  const what = part === 'querystring' ? 'unknown query parameter' : 'unknown field';
  const known = knownFields(request.routeOptions.schema?.[part], field === '' ? [] : field.split('.'));
  return unknown.data.keys.slice(0, MAX_ERRORS).map((key) => ({
    field: field === '' ? key : `${field}.${key}`,
    message: `${what}${didYouMean(key, known)}`,
  }));
}

/** The names that an object may have at this place of the schema. */
function knownFields(schema: unknown, path: readonly string[]): string[] {
  const [name, ...rest] = path;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return knownFields(schema.unwrap(), path);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => knownFields(option, path));
  if (schema instanceof z.ZodObject) {
    return name === undefined ? Object.keys(schema.shape) : knownFields(schema.shape[name], rest);
  }
  if (schema instanceof z.ZodRecord) return knownFields(schema.valueType, rest);
  return schema instanceof z.ZodArray ? knownFields(schema.element, rest) : [];
}
