import fc, { type Arbitrary } from 'fast-check';

/** As much of JSON Schema as the server's own description has. */
export type JsonSchema = {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  propertyNames?: JsonSchema;
  items?: JsonSchema;
  minItems?: number;
  maxItems?: number;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  format?: string;
  examples?: unknown[];
};

export type Resolve = (schema: JsonSchema) => JsonSchema;

const MAX_DEPTH = 4;

/** Anything at all, among it what parsers stumble over. */
export const anything: Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    2 ** 53,
    '',
    ' ',
    '\0',
    '\u2028',
    '../..',
    'null',
    [],
    {},
  ),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Values that fit the schema, for the most part; its limits are not all in the description. */
export function fitting(schema: JsonSchema, resolve: Resolve, depth = 0): Arbitrary<unknown> {
  const known = resolve(schema);
  if (known.const !== undefined) return fc.constant(known.const);
  if (known.enum !== undefined) return fc.constantFrom(...known.enum);
  const choices = known.anyOf ?? known.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => fitting(choice, resolve, depth)));
  const types = [known.type ?? []].flat();
  if (types.length === 0) return anything;
  return fc.oneof(...types.map((type) => ofType(type, known, { resolve, depth })));
}

type Place = { resolve: Resolve; depth: number };

function ofType(type: string, schema: JsonSchema, place: Place): Arbitrary<unknown> {
  switch (type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return number(schema, fc.integer({ min: -(2 ** 31), max: 2 ** 31 }), 1);
    case 'number':
      return number(schema, fc.double({ noNaN: true, noDefaultInfinity: true }), 0.5);
    case 'array':
      return array(schema, place);
    case 'object':
      return object(schema, place);
    default:
      return string(schema);
  }
}

function number(schema: JsonSchema, any: Arbitrary<number>, step: number): Arbitrary<number> {
  const least = schema.minimum ?? (schema.exclusiveMinimum ?? Number.NaN) + step;
  const most = schema.maximum ?? (schema.exclusiveMaximum ?? Number.NaN) - step;
  const limits = [least, most, least + step].filter((limit) => Number.isFinite(limit));
  const small = Number.isFinite(least)
    ? fc.integer({ min: 0, max: 5 }).map((more) => least + more * step)
    : any;
  return limits.length === 0 ? any : fc.oneof(fc.constantFrom(...limits), small);
}

function string({ format, minLength = 0, maxLength = 40 }: JsonSchema): Arbitrary<string> {
  if (format === 'uuid') return fc.uuid();
  if (format === 'date-time')
    return fc.date({ noInvalidDate: true, min: new Date(0) }).map((at) => at.toISOString());
  if (format === 'uri') return fc.webUrl();
  const most = Math.max(minLength, Math.min(maxLength, 60));
  const words = fc.constantFrom('hello', 'a-1', 'sonnet', 'Bash', 'main.ts', '0', 'true', '1,2', 'a\0b');
  return fc.oneof(
    words,
    fc.string({ unit: 'binary', minLength, maxLength: most }),
    fc.string({ minLength, maxLength: most }),
  );
}

function array(
  { items, minItems = 0, maxItems = 3 }: JsonSchema,
  { resolve, depth }: Place,
): Arbitrary<unknown[]> {
  if (items === undefined || depth > MAX_DEPTH) return fc.constant([]);
  const most = Math.max(minItems, Math.min(maxItems, 3));
  return fc.array(fitting(items, resolve, depth + 1), { minLength: minItems, maxLength: most });
}

/** Few of the fields that may be left out, since few go with each other; often beside those of an example. */
function object(schema: JsonSchema, { resolve, depth }: Place): Arbitrary<unknown> {
  const { properties = {}, required = [], additionalProperties: more, examples = [] } = schema;
  if (depth > MAX_DEPTH) return fc.constant({});
  const optional = Object.keys(properties).filter((name) => !required.includes(name));
  const known = fc.subarray(optional, { maxLength: Math.min(3, optional.length) }).chain((names) => {
    const entries = [...required, ...names].flatMap((name) => {
      const property = properties[name];
      return property === undefined ? [] : [[name, fitting(property, resolve, depth + 1)] as const];
    });
    return fc.record(Object.fromEntries(entries));
  });
  const fixed = fc
    .tuple(fc.constantFrom<unknown>({}, ...examples), known, fc.boolean())
    .map(([example, fields, isMixed]) => ({ ...fields, ...(isMixed ? (example as object) : {}) }));
  if (typeof more !== 'object') return fixed;
  const names = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,10}$/);
  const rest = fc.dictionary(names, fitting(more, resolve, depth + 1), { maxKeys: 3 });
  return fc.tuple(fixed, rest).map(([fields, free]) => ({ ...free, ...fields }));
}

/** Values that fit, and values that fit but for one thing: a field too many, too few, or of another kind. */
export function nearly(schema: JsonSchema, resolve: Resolve): Arbitrary<unknown> {
  const right = fitting(schema, resolve);
  const wrong = fc
    .tuple(right, fc.nat(), anything, fc.constantFrom('replace', 'remove', 'add', 'all'))
    .map(damage);
  return fc.oneof({ weight: 3, arbitrary: right }, { weight: 2, arbitrary: wrong });
}

function damage([value, at, other, how]: [unknown, number, unknown, string]): unknown {
  if (how === 'all' || typeof value !== 'object' || value === null || Array.isArray(value)) return other;
  const names = Object.keys(value);
  const name = names[at % Math.max(1, names.length)];
  if (how === 'add') return { ...value, unknown_field: other };
  if (name === undefined) return other;
  if (how === 'replace') return { ...value, [name]: other };
  return Object.fromEntries(Object.entries(value).filter(([key]) => key !== name));
}
