/** What the value of a word of JSON Schema is. */
export type WordKind =
  | 'any'
  | 'array'
  | 'count'
  | 'dependencies'
  | 'flag'
  | 'names'
  | 'namesByName'
  | 'number'
  | 'pattern'
  | 'positive'
  | 'reference'
  | 'schema'
  | 'schemas'
  | 'schemasByName'
  | 'schemasByPattern'
  | 'text'
  | 'type'
  | 'values';

type WordsByKind = { [Kind in WordKind]?: readonly string[] };

function tableOf(words: WordsByKind): ReadonlyMap<string, WordKind> {
  const kinds = Object.entries(words) as [WordKind, readonly string[]][];
  return new Map(kinds.flatMap(([kind, names]) => names.map((name): [string, WordKind] => [name, kind])));
}

/** Words that mean the same in draft 7 and in draft 2020-12. */
export const commonWords = tableOf({
  any: ['default', 'const'],
  array: ['examples'],
  count: ['minLength', 'maxLength', 'minItems', 'maxItems', 'minProperties', 'maxProperties'],
  dependencies: ['dependencies'],
  flag: ['uniqueItems', 'deprecated', 'readOnly', 'writeOnly'],
  names: ['required'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
  pattern: ['pattern'],
  positive: ['multipleOf'],
  reference: ['$ref'],
  schema: ['items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else'],
  schemas: ['allOf', 'anyOf', 'oneOf'],
  schemasByName: ['properties', '$defs', 'definitions'],
  schemasByPattern: ['patternProperties'],
  text: ['title', 'description', '$comment', 'format', 'contentEncoding', 'contentMediaType'],
  type: ['type'],
  values: ['enum'],
});

/** Words that came after draft 7. */
export const newerWords = tableOf({
  count: ['minContains', 'maxContains'],
  namesByName: ['dependentRequired'],
  schema: ['unevaluatedItems', 'unevaluatedProperties', 'contentSchema'],
  schemas: ['prefixItems'],
  schemasByName: ['dependentSchemas'],
});

/** Words by which references find a schema other than by its place. */
export const addressingWords: ReadonlySet<string> = new Set([
  '$id',
  '$dynamicRef',
  '$dynamicAnchor',
  '$recursiveRef',
  '$recursiveAnchor',
]);

/** Words that say which draft it is, or give a name that no reference can use. */
export const versionWords: ReadonlySet<string> = new Set(['$schema', '$vocabulary', '$anchor', 'id']);

/** Words that only describe: of JSON Schema, of OpenAPI, of generators and editors. */
const describingWords: ReadonlySet<string> = new Set([
  'contentSchema',
  'discriminator',
  'example',
  'externalDocs',
  'xml',
  'enumNames',
  'enumDescriptions',
  'markdownDescription',
  'markdownEnumDescriptions',
  'defaultSnippets',
  'deprecationMessage',
  'propertyOrdering',
  'tsType',
]);

export function onlyDescribes(word: string): boolean {
  return describingWords.has(word) || word.startsWith('x-');
}

export const simpleTypes: ReadonlySet<unknown> = new Set([
  'array',
  'boolean',
  'integer',
  'null',
  'number',
  'object',
  'string',
]);
