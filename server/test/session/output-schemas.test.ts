import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { z } from 'zod';
import { fitSchema, schemaProblem } from '../../src/ground/json-schema/fit.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';

type Schema = Record<string, unknown>;
/** `refused`: the place that the refusal names. */
type Case = { name: string; schema: Schema; refused?: string };

/** As Pydantic 2.14 writes them, and generators of OpenAPI 3.0 and 3.1. */
const generated = JSON.parse(
  await readFile(new URL('../fixtures/generated-schemas.json', import.meta.url), 'utf8'),
) as Case[];

const nested = z.object({
  value: z.number(),
  get next() {
    return nested.nullable();
  },
});

/** As zod 4 writes them. */
const zodTypes: [name: string, type: z.ZodType, refused?: string][] = [
  [
    'strings',
    z.object({ a: z.email(), b: z.uuid(), c: z.iso.datetime(), d: z.url(), e: z.ipv6(), f: z.base64() }),
  ],
  ['patterns', z.object({ a: z.string().regex(/^[\w-]+$/), b: z.string().startsWith('x').includes('y') })],
  [
    'numbers',
    z.object({ a: z.int(), b: z.number().positive().multipleOf(0.1), c: z.float32(), d: z.uint32() }),
  ],
  [
    'optional, nullable and default',
    z.object({ a: z.string().optional(), b: z.int().nullable(), c: z.int().default(3) }),
  ],
  ['alternatives', z.object({ a: z.union([z.string(), z.object({ b: z.literal([1, 'x', null]) })]) })],
  [
    'a discriminated union',
    z.object({
      a: z.discriminatedUnion('k', [z.object({ k: z.literal('x') }), z.object({ k: z.literal('y') })]),
    }),
  ],
  ['records', z.object({ a: z.record(z.string(), z.int()), b: z.record(z.enum(['x', 'y']), z.int()) })],
  [
    'strict and loose objects',
    z.object({ a: z.strictObject({ b: z.string() }), c: z.looseObject({ d: z.string() }) }),
  ],
  ['an intersection', z.object({ a: z.intersection(z.object({ b: z.string() }), z.object({ c: z.int() })) })],
  ['anything, and nothing', z.object({ a: z.any(), b: z.unknown(), c: z.array(z.never()) })],
  [
    'descriptions',
    z.object({
      a: z
        .string()
        .describe('b')
        .meta({ title: 'T', examples: ['x'], deprecated: true }),
    }),
  ],
  ['a named part', z.object({ a: z.object({ b: z.string() }).meta({ id: 'Part of ours' }) })],
  ['a recursive object', nested],
  ['a tuple of one kind', z.object({ a: z.tuple([z.number(), z.number()]) })],
  ['a tuple of two kinds', z.object({ a: z.tuple([z.number(), z.string()]) }), '/properties/a/prefixItems'],
  ['a word of its own', z.object({ a: z.string().meta({ widget: 'slider' }) }), '/properties/a/widget'],
];

const cases: Case[] = [
  ...generated,
  ...zodTypes.map(([name, type, refused]) => ({
    name: `zod: ${name}`,
    schema: z.toJSONSchema(type, { io: 'input' }) as Schema,
    ...(refused === undefined ? {} : { refused }),
  })),
];

describe('schemas of answers as generators write them', () => {
  for (const { name, schema, refused } of cases) {
    it(
      refused === undefined ? `${name}: are taken` : `${name}: are refused for what is at ${refused}`,
      () => {
        const problem = schemaProblem(schema, 'answers');
        assert.equal(problem?.split(' ')[0], refused, problem ?? 'was accepted');
      },
    );
  }
});

/** All in one, each in a property, with references that lead into it. */
function together(schemas: readonly Schema[]): Schema {
  const entries = schemas.map((schema, index) => {
    const { $id: _, ...inside } = schema;
    const moved = JSON.stringify(inside)
      .replaceAll('"$ref":"#/', `"$ref":"#/properties/case${index}/`)
      .replaceAll('"$ref":"#"', `"$ref":"#/properties/case${index}"`);
    return [`case${index}`, JSON.parse(moved)];
  });
  return { type: 'object', properties: Object.fromEntries(entries) };
}

const parts = (count: number, part: unknown): Schema =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, part]));

/** As much of each thing as is accepted, each hard for the agent program in its own way. */
const largest: Record<string, Schema> = {
  properties: { type: 'object', properties: parts(4_900, {}) },
  'definitions in many places': {
    type: 'object',
    properties: parts(98, { $ref: '#/$defs/a' }),
    $defs: { a: { type: 'object', properties: parts(47, { type: 'string' }) } },
  },
  'definitions in definitions': {
    type: 'object',
    properties: { a: { $ref: '#/$defs/d0' } },
    $defs: Object.fromEntries(
      Array.from({ length: 260 }, (_, index) => [
        `d${index}`,
        index === 259 ? {} : { not: { items: { $ref: `#/$defs/d${index + 1}` } } },
      ]),
    ),
  },
  alternatives: {
    type: 'object',
    properties: { a: { anyOf: Array.from({ length: 790 }, () => ({ type: 'string' })) } },
  },
  'alternatives in alternatives': {
    type: 'object',
    properties: {
      a: Array.from({ length: 13 }).reduce<object>(
        (inside) => ({ anyOf: [...Array.from({ length: 58 }, () => ({ type: 'string' })), inside] }),
        {},
      ),
    },
  },
  values: {
    type: 'object',
    properties: { a: { enum: Array.from({ length: 5_000 }, (_, index) => `v${index}`) } },
  },
  patterns: {
    type: 'object',
    properties: {
      a: { pattern: `${'('.repeat(1_000)}a${')'.repeat(1_000)}` },
      b: { pattern: '((a{9999}){9999}){9999}' },
    },
  },
  'references to themselves': {
    type: 'object',
    properties: {
      a: { allOf: [{ $ref: '#/properties/a' }] },
      b: { anyOf: [{ $ref: '#' }, { $ref: '#/properties/b' }] },
    },
  },
};

describe('the agent program', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  const errorOf = async (schema: Schema) => {
    const output_format = { type: 'json_schema', schema };
    const id = await server.execute({ prompt: '[demo:say hello]', output_format });
    await server.ended(id);
    return (await server.client.sessions.get(id)).turns[0]?.error;
  };

  it('starts with every schema that is taken', async () => {
    const taken = cases.filter(({ refused }) => refused === undefined).map(({ schema }) => schema);
    assert.ok(taken.length >= 45, String(taken.length));
    const all = [together(taken), ...taken.filter(({ $ref }) => $ref !== undefined)];
    for (const schema of all) {
      assert.equal((await errorOf(schema))?.code, 'structured_output_failed', JSON.stringify(schema));
    }
  });

  for (const [name, schema] of Object.entries(largest)) {
    it(`starts with as many ${name} as are taken, in little time`, async () => {
      assert.equal(schemaProblem(schema, 'answers'), null);
      assert.equal((await errorOf(schema))?.code, 'structured_output_failed');
    });
  }

  it('is not started with one that an earlier version took and that cannot be used: the turn says why', async () => {
    const id = await server.execute({ prompt: 'hello' });
    await server.ended(id);
    const unfit = { type: 'object', properties: { a: { prefixItems: [{}, { type: 'string' }] } } };
    const options = JSON.stringify({ output_format: { type: 'json_schema', schema: unfit } });
    const { db } = server.context.database;
    await server.context.worker.drain(0, new AbortController().signal);
    await db.updateTable('sessions').set({ options }).where('id', '=', id).execute();
    await server.context.worker.start();
    await server.execute({ prompt: 'hello', resume_session_id: id });
    await server.ended(id);
    const error = (await server.client.sessions.get(id)).turns[1]?.error;
    assert.equal(error?.code, 'invalid_request');
    assert.match(error?.message ?? '', /output_format.*\/properties\/a\/prefixItems/);
  });

  it('is given the schema made fit; clients see it as they sent it', async () => {
    const schema = { type: 'object', properties: { a: { type: 'string', nullable: true, 'x-own': 1 } } };
    const id = await server.execute({ prompt: 'Rome', output_format: { type: 'json_schema', schema } });
    assert.equal((await server.ended(id)).status, 'completed');
    const { options } = await server.client.sessions.get(id);
    assert.deepEqual(options.output_format, { type: 'json_schema', schema });
    assert.notDeepEqual(fitSchema(schema, 'answers'), schema);
  });
});
