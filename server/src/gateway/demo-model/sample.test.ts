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
