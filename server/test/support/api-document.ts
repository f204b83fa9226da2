import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Answer, TestServer } from './harness.ts';

type Content = Record<string, { schema: object }>;
type Operation = {
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Content };
  responses: Record<string, { description: string; content?: Content }>;
};

type Document = {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Record<string, unknown>> };
};

/** `/openapi.json` as something that answers can be held against. */
export class ApiDocument {
  readonly #root: Document;

  constructor(root: Document) {
    this.#root = root;
  }

  static async read(server: TestServer): Promise<ApiDocument> {
    return new ApiDocument((await server.request('GET', '/openapi.json')).body);
  }

  get schemas(): Record<string, Record<string, unknown>> {
    return this.#root.components.schemas;
  }

  /** Every operation as `GET /path/{parameter}`. */
  get operations(): Map<string, Operation> {
    const entries = Object.entries(this.#root.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(
        ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
      ),
    );
    return new Map(entries);
  }

  /** Fails unless the operation documents this status with this media type, and the body fits its schema. */
  assertDescribes(name: string, answer: Answer): void {
    const response = this.operations.get(name)?.responses[answer.status];
    assert.ok(response, `${name} does not document ${answer.status}: ${JSON.stringify(answer.body)}`);
    const mediaType = answer.headers.get('content-type')?.split(';')[0] ?? '';
    const schema = response.content?.[mediaType]?.schema;
    assert.ok(schema, `${name} ${answer.status} does not document ${mediaType}`);
    this.assertFits(schema, answer.body);
  }

  assertFits(schema: object, value: unknown): void {
    const whole = JSON.stringify({ ...schema, $defs: this.#root.components.schemas });
    const checked = z.fromJSONSchema(JSON.parse(whole.replaceAll('#/components/schemas/', '#/$defs/')));
    const { error } = checked.safeParse(value);
    assert.equal(error, undefined, error === undefined ? '' : z.prettifyError(error));
  }

  /** The schema, or the component that it names. */
  resolve(schema: { $ref?: string }): Record<string, unknown> {
    if (schema.$ref === undefined) return schema;
    const name = schema.$ref.replace('#/components/schemas/', '');
    return this.#root.components.schemas[name] ?? assert.fail(`${schema.$ref} is missing`);
  }
}
