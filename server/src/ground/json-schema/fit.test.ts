import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { fitSchema, schemaProblem } from './fit.ts';
import type { SchemaObject, SchemaUse } from './schema.ts';

const object = (properties: object, more: object = {}): SchemaObject => ({
  type: 'object',
  properties,
  ...more,
});
const answer = (part: unknown): unknown =>
  (fitSchema(object({ a: part }), 'answers').properties as SchemaObject).a;
const refusal = (part: unknown, use: SchemaUse = 'answers'): string =>
  schemaProblem(object({ a: part }), use) ?? assert.fail(`accepted ${JSON.stringify(part)}`);

/** As the agent program compiles the schema of an answer. */
function compile(schema: SchemaObject): (value: unknown) => boolean {
  const ajv = new Ajv({ allErrors: true, validateFormats: false, multipleOfPrecision: 6, logger: false });
  assert.ok(ajv.validateSchema(schema), ajv.errorsText());
  return ajv.compile(schema);
}

const draft2020 = new Ajv2020({ strict: false, validateFormats: false });

describe('a JSON Schema for answers', () => {
  it('is handed on without words that only describe', () => {
    const x = { type: 'string' };
    for (const described of [
      { ...x, 'x-order': 1, xml: { name: 'a' }, externalDocs: { url: 'https://a.example' } },
      { ...x, $schema: 'https://json-schema.org/draft/2020-12/schema', id: 'A', propertyOrdering: ['a'] },
      { ...x, contentSchema: { type: 'text' }, $anchor: 'a', tsType: 'A' },
    ]) {
      assert.deepEqual(answer(described), x);
    }
    const known = {
      title: 'A',
      description: 'b',
      default: null,
      examples: ['x'],
      deprecated: true,
      readOnly: true,
      $comment: 'c',
      format: 'of-ours',
      contentEncoding: 'base64',
      contentMediaType: 'image/png',
    };
    assert.deepEqual(answer({ ...x, ...known }), { ...x, ...known }, 'what the program knows stays');
    assert.deepEqual(answer({ ...x, example: 'y' }), { ...x, examples: ['y'] });
    const union = { oneOf: [{ type: 'string' }], discriminator: { propertyName: 'kind' } };
    assert.deepEqual(answer(union), { oneOf: [{ type: 'string' }] });
    const root = {
      ...object({}),
      $id: 'https://a.example/s',
      $schema: 'http://json-schema.org/draft-07/schema#',
    };
    assert.deepEqual(fitSchema(root, 'answers'), object({}));
  });

  it('says nullable as a type, or as an alternative', () => {
    assert.deepEqual(answer({ type: 'string', nullable: true }), { type: ['string', 'null'] });
    assert.deepEqual(answer({ type: ['string', 'null'], nullable: true }), { type: ['string', 'null'] });
    assert.deepEqual(answer({ type: 'string', nullable: false }), { type: 'string' });
    const wrapped = { anyOf: [{ type: 'string', enum: ['x'] }, { type: 'null' }] };
    assert.deepEqual(answer({ type: 'string', enum: ['x'], nullable: true }), wrapped);
    const schema = object(
      { pet: { nullable: true, $ref: '#/components/pets/items' }, components: { type: 'object' } },
      { $defs: { Pet: { type: 'object' } } },
    );
    assert.match(schemaProblem(schema, 'answers') ?? '', /^\/properties\/pet\/\$ref must refer to/);
    assert.deepEqual(fitSchema({ ...object({}), nullable: true }, 'answers'), object({}), 'not the whole');
  });

  it('says bounds, lists and dependencies in words of both drafts where that is the same', () => {
    assert.deepEqual(answer({ minimum: 1, exclusiveMinimum: true }), { exclusiveMinimum: 1 });
    assert.deepEqual(answer({ maximum: 1, exclusiveMaximum: false }), { maximum: 1 });
    const number = { type: 'number' };
    const pair = { type: 'array', items: number, minItems: 2, maxItems: 2 };
    const sizes = { type: 'array', minItems: 2, maxItems: 2 };
    assert.deepEqual(answer({ ...sizes, prefixItems: [number, number] }), pair);
    assert.deepEqual(answer({ ...sizes, items: [number, number] }), pair);
    assert.deepEqual(answer({ items: [number], additionalItems: false }), { items: number, maxItems: 1 });
    assert.deepEqual(answer({ prefixItems: [number, number], items: number }), { items: number });
    const dependent = { dependentRequired: { a: ['b'] }, dependentSchemas: { c: { required: ['d'] } } };
    assert.deepEqual(answer(dependent), { dependencies: { a: ['b'], c: { required: ['d'] } } });
    const idle = { if: {}, additionalItems: false, unevaluatedProperties: true };
    assert.deepEqual(answer(idle), {}, 'what has no effect');
    assert.deepEqual(answer({ else: { type: 'null' } }), {});
  });

  it('is refused with the place of what the program cannot check, would not know, or the API would refuse', () => {
    const text = { type: 'string' };
    const refused: [unknown, RegExp][] = [
      [{ prefixItems: [text, { type: 'number' }] }, /^\/properties\/a\/prefixItems .*use an object/],
      [{ items: [text, text] }, /^\/properties\/a\/items /],
      [
        { dependentRequired: { a: ['b'] }, dependencies: { a: ['c'] } },
        /^\/properties\/a\/dependentRequired /,
      ],
      [{ unevaluatedProperties: false }, /^\/properties\/a\/unevaluatedProperties cannot be checked/],
      [{ unevaluatedItems: text }, /^\/properties\/a\/unevaluatedItems cannot be checked/],
      [{ contains: {}, minContains: 2 }, /^\/properties\/a\/minContains cannot be checked/],
      [{ $dynamicRef: '#a' }, /^\/properties\/a\/\$dynamicRef cannot be followed/],
      [{ $id: 'https://a.example/b' }, /^\/properties\/a\/\$id cannot be followed/],
      [{ items: { requried: ['a'] } }, /^\/properties\/a\/items\/requried .*did you mean "required"/],
      [{ type: 'text' }, /^\/properties\/a\/type must be one of array, boolean/],
      [{ enum: [] }, /^\/properties\/a\/enum must be a list with at least one/],
      [{ required: ['a', 'a'] }, /^\/properties\/a\/required must be a list of different names/],
      [{ minLength: -1 }, /^\/properties\/a\/minLength must be a whole number/],
      [{ pattern: '(?P<name>a)' }, /^\/properties\/a\/pattern is no regular expression/],
      [{ patternProperties: { '[': {} } }, /^\/properties\/a\/patternProperties\/\[ is no regular/],
      [
        { properties: { 'a/b~': { anyOf: [] } } },
        /^\/properties\/a\/properties\/a~1b~0\/anyOf must be a list/,
      ],
      [{ properties: {}, patternProperties: {} }, /^\/properties\/a\/patternProperties cannot stand/],
      [{ $ref: '#/$defs/gone' }, /^\/properties\/a\/\$ref must refer to a schema in this one/],
      [{ $ref: '#/properties/a', title: 'A' }, /^\/properties\/a\/\$ref leads back to itself/],
      [{ $ref: '#/properties' }, /^\/properties\/a\/\$ref must refer/],
      [{ $ref: 'https://a.example/b' }, /^\/properties\/a\/\$ref must refer/],
      [{ $ref: '#/%' }, /^\/properties\/a\/\$ref must refer/],
    ];
    for (const [part, message] of refused) assert.match(refusal(part), message);
    for (const word of ['allOf', 'anyOf', 'oneOf']) {
      const schema = object({}, { [word]: [{}] });
      assert.match(schemaProblem(schema, 'answers') ?? '', new RegExp(`^/${word} .*none at the root`));
    }
    assert.match(schemaProblem({ properties: {} }, 'answers') ?? '', /^\/type must be "object"/);
  });

  it('may be a recursive model, whose root is one of its definitions', () => {
    const next = { anyOf: [{ $ref: '#/$defs/Node' }, { type: 'null' }] };
    const schema = { $defs: { Node: object({ next }, { required: ['next'] }) }, $ref: '#/$defs/Node' };
    const fitted = fitSchema(schema, 'answers');
    assert.equal(fitted.type, 'object');
    const isRight = compile(fitted);
    assert.ok(isRight({ next: { next: null } }));
    assert.ok(!isRight({ next: {} }));
  });

  it('keeps its references, also to what is elsewhere by then, whatever names it has', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (name) => {
        fc.pre(name !== '__proto__');
        const pointer = encodeURIComponent(name.replaceAll('~', '~0').replaceAll('/', '~1'));
        const schema = object(
          { a: { $ref: `#/$defs/${pointer}` }, b: { $ref: `#/$defs/${pointer}/items` } },
          { $defs: Object.fromEntries([[name, { nullable: true, items: { type: 'string' } }]]) },
        );
        const isRight = compile(fitSchema(schema, 'answers'));
        assert.ok(isRight({ a: ['x'], b: 'x' }) && isRight({ a: null }));
        assert.ok(!isRight({ a: [1] }) && !isRight({ b: 1 }));
      }),
    );
  });
});

describe('a JSON Schema for inputs', () => {
  it('is handed on as it came, in draft 2020-12, with whatever words describe it', () => {
    const part = {
      prefixItems: [{ type: 'string' }],
      items: false,
      unevaluatedItems: false,
      minContains: 1,
      dependentRequired: { a: ['b'] },
      discriminator: { propertyName: 'a' },
      ours: 1,
    };
    assert.deepEqual(fitSchema(object({ a: part }), 'inputs'), object({ a: part }));
  });

  it('is translated where the model API would refuse it, or refused', () => {
    const { items, ...rest } = { items: [{ type: 'string' }], additionalItems: false, type: 'array' };
    const fitted = fitSchema(
      object({ a: { items, ...rest } }, { $schema: 'http://json-schema.org/draft-07/schema#' }),
      'inputs',
    );
    assert.deepEqual(fitted, object({ a: { type: 'array', prefixItems: items, items: false } }));
    assert.match(refusal({ prefixItems: {} }, 'inputs'), /^\/properties\/a\/prefixItems must be a list/);
    assert.match(schemaProblem(object({}, { anyOf: [{}] }), 'inputs') ?? '', /^\/anyOf /);
  });
});

/** Words with values that fit them, and some that do not. */
function schemas(): fc.Arbitrary<SchemaObject> {
  const name = fc.constantFrom('a', 'b', 'c', 'nullable', '$ref', '$id', 'a/b', 'x y', 'é');
  const odd = fc.constantFrom<unknown>(
    null,
    true,
    false,
    -1,
    0,
    1.5,
    '',
    'object',
    [],
    {},
    ['a'],
    ['a', 'a'],
  );
  const { schema } = fc.letrec<{ schema: unknown; leaf: unknown }>((tie) => {
    const list = fc.array(tie('schema'), { maxLength: 3 });
    const byName = fc.dictionary(name, tie('schema'), { maxKeys: 3 });
    const names = fc.array(name, { maxLength: 3 });
    const usual = (word: string): fc.Arbitrary<unknown> => {
      if (/^(not|if|then|else|contains|propertyNames|additional|unevaluated|contentSchema)/.test(word))
        return tie('schema');
      if (word === 'items') return fc.oneof(tie('schema'), list);
      if (/^(anyOf|oneOf|allOf|prefixItems)$/.test(word)) return list;
      if (/^(properties|patternProperties|\$defs|definitions|dependentSchemas)$/.test(word)) return byName;
      if (word === 'dependencies') return fc.dictionary(name, fc.oneof(names, tie('schema')), { maxKeys: 2 });
      if (word === 'dependentRequired') return fc.dictionary(name, names, { maxKeys: 2 });
      if (word === 'required') return names;
      if (word === '$ref')
        return fc.constantFrom(
          '#',
          '#/$defs/a',
          '#/definitions/b',
          '#/properties/a',
          '#/properties/a/items',
          '#a',
        );
      if (word === 'type') return fc.constantFrom('object', 'array', 'string', ['string', 'null'], 'null');
      if (word === 'pattern') return fc.constantFrom('^a+$', '(', '\\-', '(?<n>a)');
      if (word === 'enum' || word === 'examples') return fc.array(odd, { maxLength: 3 });
      if (/^(title|description|\$comment|format|content)/.test(word)) return fc.string();
      if (/^(nullable|uniqueItems|deprecated|readOnly|writeOnly)$/.test(word)) return fc.boolean();
      if (/^exclusive/.test(word)) return fc.oneof(fc.boolean(), fc.integer());
      return fc.integer({ min: 0, max: 5 });
    };
    const entry = fc
      .constantFrom(...words)
      .chain((word) =>
        fc
          .oneof({ weight: 12, arbitrary: usual(word) }, { weight: 1, arbitrary: odd })
          .map((value) => [word, value]),
      );
    const filled = fc
      .array(entry, { maxLength: 5 })
      .map((entries) => Object.fromEntries(entries as [string, unknown][]));
    return {
      schema: fc.oneof({ depthSize: 'small' }, tie('leaf'), filled),
      leaf: fc.oneof(fc.boolean(), fc.constant({})),
    };
  });
  const defs = fc.record({ a: schema, b: schema });
  return fc
    .tuple(fc.dictionary(name, schema, { maxKeys: 3 }), defs, schema)
    .map(([properties, shared, more]) => ({
      ...(typeof more === 'object' ? more : {}),
      type: 'object',
      properties,
      $defs: shared,
      definitions: shared,
    }));
}

const words = [
  ...['$ref', 'type', 'enum', 'const', 'nullable', 'required', 'properties', 'patternProperties', 'items'],
  ...['additionalItems', 'additionalProperties', 'prefixItems', 'contains', 'minContains', 'propertyNames'],
  ...['anyOf', 'oneOf', 'allOf', 'not', 'if', 'then', 'else', 'dependencies', 'dependentRequired'],
  ...['dependentSchemas', 'unevaluatedItems', 'unevaluatedProperties', 'minimum', 'exclusiveMinimum'],
  ...['exclusiveMaximum', 'multipleOf', 'minLength', 'maxItems', 'minProperties', 'uniqueItems', 'pattern'],
  ...[
    'format',
    'title',
    'description',
    'default',
    'examples',
    'example',
    '$comment',
    'deprecated',
    'readOnly',
  ],
  ...['contentEncoding', 'contentSchema', 'discriminator', 'x-own', 'xml', '$id', 'id', '$schema', '$anchor'],
  ...['$dynamicRef', '$defs', 'definitions', 'misspelt', '$async', '$recursiveAnchor', '$vocabulary'],
];

describe('an accepted JSON Schema, whatever it says', () => {
  it('is one that the agent program compiles, and that fits draft 2020-12', () => {
    let accepted = 0;
    const isFine = (given: SchemaObject): void => {
      if (schemaProblem(given, 'answers') === null) {
        accepted++;
        const fitted = fitSchema(given, 'answers');
        compile(fitted);
        assert.ok(draft2020.validateSchema(fitted), JSON.stringify(fitted));
        assert.deepEqual(fitSchema(fitted, 'answers'), fitted, 'and is fit from then on');
      }
      if (schemaProblem(given, 'inputs') === null) {
        const fitted = fitSchema(given, 'inputs');
        assert.ok(draft2020.validateSchema(fitted), `${JSON.stringify(fitted)} ${draft2020.errorsText()}`);
      }
    };
    fc.assert(fc.property(schemas(), isFine), { numRuns: 500 });
    assert.ok(accepted > 20, `only ${accepted} of them were accepted`);
  });
});
