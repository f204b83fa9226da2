import { didYouMean } from '../util/suggest.ts';
import { type FittedPart, type Reference, resolveReferences } from './references.ts';
import {
  below,
  isObject,
  MAX_BYTES,
  type Place,
  type SchemaObject,
  type SchemaUse,
  UnfitSchema,
} from './schema.ts';
import { translate } from './translate.ts';
import { checkValue } from './values.ts';
import {
  addressingWords,
  commonWords,
  newerWords,
  onlyDescribes,
  versionWords,
  type WordKind,
} from './words.ts';

/** Schemas to compile: the program does so for each use of a definition anew. 5,000 take it about half a second. */
const MAX_SCHEMAS = 5_000;
/** The program compares each with each. */
const MAX_VALUES = 5_000;
/** Schemas in schemas, through definitions as well, and alternatives: the program's stack ends at a few thousand. */
const MAX_LEVELS = 800;

type Walk = {
  use: SchemaUse;
  /** By the objects of the given schema. */
  parts: Map<object, FittedPart>;
  references: Reference[];
};

/** Where a part stands in the given schema, and where in the fitted one. */
type Stand = { from: Place; to: Place };

/** A part that was made fit, and the measures that limits are set for. */
type Fitted<Value = unknown> = { value: Value; size: number; height: number; hasReference: boolean };

/**
 * Makes a JSON Schema fit for those who are to read it, or throws `UnfitSchema`. Words that only describe are left out
 * where they would be refused; what other drafts and OpenAPI say otherwise is translated where that is exact. Nothing is
 * compiled: the work grows with the size of the schema, and its limits are limits of what the agent program is given.
 */
export function fitSchema(given: SchemaObject, use: SchemaUse): SchemaObject {
  const root = readRoot(given);
  const walk: Walk = { use, parts: new Map(), references: [] };
  const { value, size, height } = fitPart(root, { from: null, to: null }, walk);
  const targets = resolveReferences(walk.references, root, walk.parts);
  const uses = targets.reduce((sum, target) => sum + (target.hasReference ? 1 : target.size), 0);
  const levels = [...new Set(targets)].reduce((sum, target) => sum + target.height, height);
  refuseOver(size + uses, {
    limit: MAX_SCHEMAS,
    of: 'schemas, counting a definition as often as it is used',
  });
  refuseOver(levels, { limit: MAX_LEVELS, of: 'levels of schemas and alternatives, over all definitions' });
  refuseOver(Buffer.byteLength(JSON.stringify(value)), { limit: MAX_BYTES, of: 'bytes' });
  return value as SchemaObject;
}

type Limit = { limit: number; of: string; place?: Place };

function refuseOver(count: number, { limit, of, place = null }: Limit): void {
  if (count > limit) throw new UnfitSchema(place, `must not have more than ${limit} ${of}`);
}

/**
 * Null is no answer, and no input, as a whole. A recursive model has its root among its definitions; the model API
 * wants a root that says that it is an object.
 */
function readRoot({ nullable: _, ...given }: SchemaObject): SchemaObject {
  const { $ref, ...own } = given;
  const target = given.type === undefined ? findDefinition(given, String($ref)) : undefined;
  return target === undefined ? given : { ...target, ...own };
}

function findDefinition({ $defs, definitions }: SchemaObject, reference: string): SchemaObject | undefined {
  const [, word, name = ''] = /^#\/(\$defs|definitions)\/([^/%~]+)$/.exec(reference) ?? [];
  const among = word === '$defs' ? $defs : definitions;
  const target = isObject(among) && Object.hasOwn(among, name) ? among[name] : undefined;
  return isObject(target) ? target : undefined;
}

function fitPart(given: unknown, { from, to }: Stand, walk: Walk): Fitted {
  if (!isObject(given)) return { value: given, size: 1, height: 1, hasReference: false };
  if (from === null) checkRoot(given);
  const { schema, isNullable } = translate(given, from, walk.use);
  const fitted = fitWords(schema, { from, to: isNullable ? below(to, 'anyOf', 0) : to }, walk);
  if ('$ref' in fitted.value) walk.references.push({ given, place: from, holder: fitted.value });
  const extra = isNullable ? 2 : 0;
  const { hasReference } = fitted;
  const measures = { size: fitted.size + extra, height: fitted.height + extra, hasReference };
  walk.parts.set(given, { to, ...measures });
  return { value: isNullable ? { anyOf: [fitted.value, { type: 'null' }] } : fitted.value, ...measures };
}

function checkRoot(root: SchemaObject): void {
  if (root.type !== 'object') throw new UnfitSchema(below(null, 'type'), 'must be "object"');
  const word = ['allOf', 'anyOf', 'oneOf'].find((name) => name in root);
  if (word === undefined) return;
  throw new UnfitSchema(below(null, word), 'the model API takes none at the root: put it into a property');
}

function fitWords(schema: SchemaObject, { from, to }: Stand, walk: Walk): Fitted<SchemaObject> {
  const fitted: SchemaObject = {};
  const inside: Fitted[] = [];
  let alternatives = 0;
  for (const [word, value] of Object.entries(schema)) {
    const place = below(from, word);
    const kind = kindOf(word, place, walk.use);
    if (kind === null) continue;
    checkValue(value, kind, place);
    if (kind === 'values')
      refuseOver((value as unknown[]).length, { limit: MAX_VALUES, of: 'values', place });
    fitted[word] = mapParts(value, kind, (part, ...steps) => {
      const stand = { from: below(place, ...steps), to: below(to, word, ...steps) };
      const made = fitPart(part, stand, walk);
      inside.push(made);
      return made.value;
    });
    if (kind === 'schemas') alternatives += (value as unknown[]).length;
  }
  if (walk.use === 'answers') refuseMixedProperties(schema, from);
  return {
    value: fitted,
    size: inside.reduce((sum, { size }) => sum + size, 1),
    height: 1 + alternatives + inside.reduce((most, { height }) => Math.max(most, height), 0),
    hasReference: '$ref' in fitted || inside.some(({ hasReference }) => hasReference),
  };
}

/** Null for a word that is left out. Throws for one that cannot be, and would be refused. */
function kindOf(word: string, place: Place, use: SchemaUse): WordKind | null {
  const common = commonWords.get(word);
  if (common !== undefined) return common;
  const isRootId = word === '$id' && place?.parent === null;
  if (versionWords.has(word) || isRootId) return null;
  if (addressingWords.has(word)) {
    throw new UnfitSchema(place, 'cannot be followed: refer to schemas by their place, as in "#/$defs/name"');
  }
  if (use === 'inputs') return newerWords.get(word) ?? 'any';
  if (onlyDescribes(word)) return null;
  const message = newerWords.has(word)
    ? 'cannot be checked: the agent program knows draft 7'
    : `is no word of JSON Schema${didYouMean(word, [...commonWords.keys(), 'nullable'])}; words of your own begin with "x-"`;
  throw new UnfitSchema(place, message);
}

/** The program does not start with a property that a pattern matches as well; whether one does is not tried out here. */
function refuseMixedProperties(schema: SchemaObject, place: Place): void {
  if (!('properties' in schema && 'patternProperties' in schema)) return;
  throw new UnfitSchema(below(place, 'patternProperties'), 'cannot stand beside properties');
}

type ChangePart = (part: unknown, ...steps: (string | number)[]) => unknown;

/** The value of a word with each schema in it changed. */
function mapParts(value: unknown, kind: WordKind, change: ChangePart): unknown {
  switch (kind) {
    case 'schema':
      return change(value);
    case 'schemas':
      return (value as unknown[]).map((part, index) => change(part, index));
    case 'schemasByName':
    case 'schemasByPattern':
    case 'dependencies':
      return Object.fromEntries(
        Object.entries(value as SchemaObject).map(([name, part]) => [
          name,
          Array.isArray(part) ? part : change(part, name),
        ]),
      );
    default:
      return value;
  }
}

/** What is wrong with a schema, and where, or null. */
export function schemaProblem(schema: SchemaObject, use: SchemaUse): string | null {
  try {
    fitSchema(schema, use);
    return null;
  } catch (error) {
    if (error instanceof UnfitSchema) return error.message;
    throw error;
  }
}
