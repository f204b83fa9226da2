import { isDeepStrictEqual } from 'node:util';
import { below, isObject, type Place, type SchemaObject, type SchemaUse, UnfitSchema } from './schema.ts';

/** What a schema is to be read as: `isNullable` when null fits it as well, which its own words do not say. */
export type Translated = { schema: SchemaObject; isNullable: boolean };

/**
 * Says in words that both drafts have what OpenAPI 3.0 and other drafts say in their own, where that is exactly the
 * same. Looks at this one schema; those inside of it come later. Throws `UnfitSchema`.
 */
export function translate(given: SchemaObject, place: Place, use: SchemaUse): Translated {
  const schema = { ...given };
  translateBounds(schema, 'minimum', 'exclusiveMinimum');
  translateBounds(schema, 'maximum', 'exclusiveMaximum');
  translateTuple(schema, place, use);
  if (use === 'answers') {
    removeIdle(schema);
    removeRepeated(schema);
    translateExample(schema);
    translateDependencies(schema, place);
  }
  return { schema, isNullable: translateNullable(schema) };
}

/** OpenAPI 3.0 and draft 4: `exclusiveMinimum: true` makes `minimum` exclusive. */
function translateBounds(schema: SchemaObject, bound: string, exclusive: string): void {
  if (typeof schema[exclusive] !== 'boolean') return;
  const isExclusive = schema[exclusive];
  delete schema[exclusive];
  if (!isExclusive || typeof schema[bound] !== 'number') return;
  schema[exclusive] = schema[bound];
  delete schema[bound];
}

/** OpenAPI 3.0. Beside a type it is one more type; those who write it elsewhere mean that null fits as well. */
function translateNullable(schema: SchemaObject): boolean {
  const { nullable, type } = schema;
  if (typeof nullable !== 'boolean') return false;
  delete schema.nullable;
  if (!nullable) return false;
  if (type === undefined || 'enum' in schema || 'const' in schema) return true;
  const types = [type].flat();
  schema.type = types.includes('null') ? types : [...types, 'null'];
  return false;
}

/** A list of schemas by place: `items` up to draft 7, `prefixItems` from 2020-12 on. No word means it in both. */
function translateTuple(schema: SchemaObject, place: Place, use: SchemaUse): void {
  const isOld = Array.isArray(schema.items);
  const word = isOld ? 'items' : 'prefixItems';
  const places = schema[word];
  if (!Array.isArray(places) || places.length === 0) return;
  const rest = isOld ? schema.additionalItems : schema.items;
  for (const name of ['items', 'prefixItems', 'additionalItems']) delete schema[name];
  if (use === 'inputs') {
    schema.prefixItems = places;
    if (rest !== undefined) schema.items = rest;
    return;
  }
  const { maxItems = Number.POSITIVE_INFINITY } = schema;
  const isFull = rest === false || (typeof maxItems === 'number' && maxItems <= places.length);
  const isAlike = places.every((place) => isDeepStrictEqual(place, places[0]));
  if (!isAlike || !(isFull || isDeepStrictEqual(rest, places[0]))) {
    throw new UnfitSchema(
      below(place, word),
      'schemas by place cannot be checked, unless all are alike: use an object with a property for each',
    );
  }
  schema.items = places[0];
  if (isFull) schema.maxItems = Math.min(Number(maxItems), places.length);
}

/** What has no effect where it stands, and is refused there by the agent program. */
function removeIdle(schema: SchemaObject): void {
  delete schema.additionalItems;
  if (schema.then === undefined && schema.else === undefined) delete schema.if;
  if (schema.if === undefined) {
    delete schema.then;
    delete schema.else;
  }
  for (const word of ['unevaluatedItems', 'unevaluatedProperties']) {
    if (schema[word] === true) delete schema[word];
  }
}

/** Draft 7 wants the values of an `enum` to differ. */
function removeRepeated(schema: SchemaObject): void {
  if (!Array.isArray(schema.enum)) return;
  schema.enum = [...new Map(schema.enum.map((value) => [canonical(value), value])).values()];
}

/** The same text for equal values. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_name, part) =>
    isObject(part) ? Object.fromEntries(Object.entries(part).toSorted(byName)) : part,
  );
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1;
}

/** OpenAPI's word for one example. */
function translateExample(schema: SchemaObject): void {
  if ('example' in schema && !('examples' in schema)) schema.examples = [schema.example];
  delete schema.example;
}

function translateDependencies(schema: SchemaObject, place: Place): void {
  for (const word of ['dependentRequired', 'dependentSchemas']) {
    const newer = schema[word];
    if (!isObject(newer)) continue;
    const { dependencies = {} } = schema;
    const isTwice =
      !isObject(dependencies) || Object.keys(newer).some((name) => Object.hasOwn(dependencies, name));
    if (isTwice) throw new UnfitSchema(below(place, word), 'says more of a property that has dependencies');
    schema.dependencies = { ...dependencies, ...newer };
    delete schema[word];
  }
}
