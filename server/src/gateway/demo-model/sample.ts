import { z } from 'zod';

type Schema = { [key: string]: unknown };

const asSchema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  required: z.array(z.string()).optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  minItems: z.number().optional(),
  minimum: z.number().optional(),
  $ref: z.string().optional(),
});

/** A plain value that fits a JSON schema; `text` goes where any string may stand. */
export function sampleOf(schema: unknown, text: string, root: unknown = schema, depth = 0): unknown {
  const parsed = asSchema.safeParse(schema);
  if (!parsed.success || depth > 12) return null;
  const { data } = parsed;
  const inner = (value: unknown) => sampleOf(value, text, root, depth + 1);
  if (data.$ref !== undefined) return inner(resolve(data.$ref, root));
  if ('const' in data) return data.const;
  if (data.enum) return data.enum[0];
  const [alternative] = data.anyOf ?? data.oneOf ?? [];
  if (alternative !== undefined) return inner(alternative);
  const type = Array.isArray(data.type)
    ? data.type[0]
    : (data.type ?? (data.properties ? 'object' : 'string'));
  // Deep down only what must be there, so that a schema that contains itself comes to an end.
  const minimal = depth >= 4;
  if (type === 'object') {
    const properties = Object.entries(data.properties ?? {});
    const wanted = minimal ? properties.filter(([key]) => data.required?.includes(key)) : properties;
    return Object.fromEntries(wanted.map(([key, value]) => [key, inner(value)]));
  }
  if (type === 'array')
    return Array.from({ length: data.minItems ?? (minimal ? 0 : 1) }, () => inner(data.items));
  if (type === 'number' || type === 'integer') return data.minimum ?? 1;
  if (type === 'boolean') return true;
  return type === 'null' ? null : text.slice(0, 60);
}

function resolve(reference: string, root: unknown): unknown {
  return reference
    .replace(/^#\/?/, '')
    .split('/')
    .filter((key) => key !== '')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value ? (value as Schema)[key] : undefined),
      root,
    );
}
