import assert from 'node:assert/strict';
import { it } from 'node:test';
import { z } from 'zod';
import { sampleOf } from './sample.ts';

it('makes a value that fits the schema', () => {
  const schema = z.object({
    name: z.string(),
    age: z.int().min(18),
    kind: z.enum(['a', 'b']),
    tags: z.array(z.object({ ok: z.boolean() })).min(2),
    note: z.string().nullable(),
    either: z.union([z.number(), z.string()]),
    fixed: z.literal('x'),
  });
  const sample = sampleOf(z.toJSONSchema(schema), 'some text');
  assert.equal(schema.parse(sample).name, 'some text');
});

it('comes to an end when a schema contains itself', () => {
  const node = z.object({
    value: z.string(),
    get children(): z.ZodArray {
      return z.array(node);
    },
  });
  node.parse(sampleOf(z.toJSONSchema(node), 'leaf'));
});

it('is bounded, whatever a schema asks for', () => {
  const many = (count: number, value: unknown) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`p${n}`, value]));
  const nested = { type: 'array', minItems: 1e9, items: { type: 'array', minItems: 1e9, items: {} } };
  const wide = { type: 'object', properties: many(1_000, { $ref: '#' }) };
  const required = Array.from({ length: 100_000 }, (_, n) => `p${n}`);
  const deep = { type: 'object', required, properties: many(100, { $ref: '#' }) };
  const endless = { $ref: `#${'/'.repeat(100_000)}` };
  const cpu = process.cpuUsage();
  for (const schema of [nested, wide, deep, endless, { type: 'array', minItems: -1 }]) {
    assert.ok(JSON.stringify(sampleOf(schema, 'text')).length < 1_000_000);
  }
  assert.ok(process.cpuUsage(cpu).user < 2_000_000);
});
