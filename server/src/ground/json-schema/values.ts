import { below, isObject, type Place, type SchemaObject, UnfitSchema } from './schema.ts';
import { simpleTypes, type WordKind } from './words.ts';

/** Longer ones are no patterns that anybody wrote; and engines differ in how deep they may be nested. */
const MAX_PATTERN_LENGTH = 5_000;

/** Throws `UnfitSchema` for a value that the word cannot have. Schemas inside of it are for the caller to look at. */
export function checkValue(value: unknown, kind: WordKind, place: Place): void {
  if (kind === 'pattern') checkPattern(value, place);
  else if (!isRight[kind](value)) throw new UnfitSchema(place, `must be ${expected[kind]}`);
  if (kind !== 'schemasByPattern') return;
  for (const pattern of Object.keys(value as SchemaObject)) checkPattern(pattern, below(place, pattern));
}

function checkPattern(value: unknown, place: Place): void {
  if (typeof value !== 'string' || value.length > MAX_PATTERN_LENGTH) {
    throw new UnfitSchema(place, `must be text of at most ${MAX_PATTERN_LENGTH} characters`);
  }
  try {
    new RegExp(value, 'u');
  } catch (error) {
    const reason = (error as Error).message.replace(/^Invalid regular expression: /, '');
    throw new UnfitSchema(place, `is no regular expression of JavaScript with the flag "u": ${reason}`);
  }
}

export function isNames(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.every((name) => typeof name === 'string') &&
    new Set(value).size === value.length
  );
}

const isText = (value: unknown): boolean => typeof value === 'string';
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isSchema = (value: unknown): boolean => typeof value === 'boolean' || isObject(value);
const isFilled = (value: unknown): value is unknown[] => Array.isArray(value) && value.length > 0;

const isRight: Record<Exclude<WordKind, 'pattern'>, (value: unknown) => boolean> = {
  any: () => true,
  array: (value) => Array.isArray(value),
  count: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  dependencies: (value) =>
    isObject(value) && Object.values(value).every((one) => isSchema(one) || isNames(one)),
  flag: (value) => typeof value === 'boolean',
  names: isNames,
  namesByName: (value) => isObject(value) && Object.values(value).every(isNames),
  number: isNumber,
  positive: (value) => isNumber(value) && value > 0,
  reference: isText,
  schema: isSchema,
  schemas: (value) => isFilled(value) && value.every(isSchema),
  schemasByName: (value) => isObject(value) && Object.values(value).every(isSchema),
  schemasByPattern: (value) => isObject(value) && Object.values(value).every(isSchema),
  text: isText,
  type: (value) =>
    simpleTypes.has(value) ||
    (isFilled(value) && isNames(value) && value.every((type) => simpleTypes.has(type))),
  values: isFilled,
};

const expected: Record<Exclude<WordKind, 'pattern'>, string> = {
  any: 'a value',
  array: 'a list',
  count: 'a whole number from 0 on',
  dependencies: 'an object with a schema, or a list of different names, for each property',
  flag: 'true or false',
  names: 'a list of different names',
  namesByName: 'an object of lists of different names',
  number: 'a number',
  positive: 'a number above 0',
  reference: 'text',
  schema: 'a schema',
  schemas: 'a list of schemas with at least one',
  schemasByName: 'an object of schemas',
  schemasByPattern: 'an object of schemas',
  text: 'text',
  type: `one of ${[...simpleTypes].join(', ')}, or a list of different ones`,
  values: 'a list with at least one value',
};
