import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc, { type Arbitrary } from 'fast-check';
import { createKey } from '../../src/access/api-key/service.ts';
import { NO_LIMITS } from '../../src/ground/identity.ts';
import { ApiDocument } from '../support/api-document.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { anything, fitting, type JsonSchema, nearly } from '../support/schema-arbitrary.ts';

/*
 * Requests to every route, made from the description that the server gives of itself. FUZZ_SEED repeats a run,
 * FUZZ_RUNS makes a longer one.
 */

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 2 ** 31);
const numRuns = Number(process.env.FUZZ_RUNS ?? 15);

type Parameter = { name: string; in: string; required?: boolean; schema: JsonSchema };
type Operation = {
  parameters?: Parameter[];
  requestBody?: { required?: boolean; content: Record<string, { schema: JsonSchema }> };
  responses: Record<string, { content?: Record<string, { schema: JsonSchema }> }>;
};
type Call = { path: string; headers: Record<string, string>; body: Buffer | null };
type Given = { status: number; type: string; allow: string; body: string };

describe(`requests of every kind (FUZZ_SEED=${seed})`, () => {
  const agent = new Agent({ keepAlive: true });
  let server: TestServer;
  let document: ApiDocument;
  let key: string;
  let operations: [name: string, operation: Operation][];
  const ids: Record<'session_id' | 'approval_id' | 'turn_id' | 'preset_id' | 'api_key_id', string[]> = {
    session_id: [],
    approval_id: [],
    turn_id: [],
    preset_id: [],
    api_key_id: [],
  };
  const compiled = new Map<JsonSchema, ValidateFunction>();
  before(async () => {
    // Few of the sessions that are accepted get to run, which is not what this is about.
    server = await startTestServer({ config: { maxSessions: 2, maxQueued: 20, maxQueuedMessages: 3 } });
    const { client } = server;
    for (const prompt of ['run: echo hello > a.txt', 'hello', 'hello']) {
      const id = await server.execute({ prompt, allowed_tools: ['Bash'] });
      await server.ended(id);
      ids.session_id.push(id);
    }
    const asking = await server.execute({ prompt: 'run: echo hello > b.txt', approvals: 'ask' });
    await server.event(asking, ({ kind, data }) => kind === 'approval' && data.phase === 'requested');
    for await (const { approval_id } of client.approvals.list()) ids.approval_id.push(approval_id);
    const { turn_id } = await client.sessions.messages.send(asking, { prompt: 'and then?' });
    ids.session_id.push(asking);
    ids.preset_id.push((await client.presets.create({ name: 'a preset', options: {} })).preset_id);
    ids.turn_id.push(turn_id);
    document = await ApiDocument.read(server);
    // What deletes comes last: the others need something that is there.
    const described = [...document.operations] as unknown as [string, Operation][];
    operations = described.toSorted(([a], [b]) => Number(deletes(a)) - Number(deletes(b)));
    // One key among those to come, so that the first that is made locks nobody out.
    const ofTest = {
      tenantId: 'default',
      name: 'fuzz',
      expiresAt: null,
      limits: NO_LIMITS,
      createdBy: 'test',
    };
    const made = await createKey(server.context.apiKeys, { ...ofTest, scopes: ['operator'] });
    key = made.secret;
    ids.api_key_id.push((await createKey(server.context.apiKeys, { ...ofTest, scopes: ['admin'] })).key.id);
  });
  after(async () => {
    agent.destroy();
    await server[Symbol.asyncDispose]();
  });

  const resolve = (schema: JsonSchema): JsonSchema => document.resolve(schema) as JsonSchema;

  it('are answered as described, and never with an error of the server', async () => {
    assert.ok(operations.length > 30);
    const statuses = new Map<string, Set<number>>();
    const failures: string[] = [];
    for (const [name, operation] of operations) {
      const seen = new Set<number>();
      statuses.set(name, seen);
      const property = fc.asyncProperty(calls(name, operation), async (call) => {
        const given = await send(name.split(' ')[0] ?? '', call);
        seen.add(given.status);
        assertDescribed(name, operation, given);
      });
      const report = await fc.check(property, { seed, numRuns, endOnFailure: true });
      if (report.failed) failures.push((await fc.asyncDefaultReportMessage(report)) ?? name);
    }
    assert.deepEqual(failures, []);
    // Requests that are all refused would show little.
    const accepted = [...statuses.values()].filter((seen) => [...seen].some((status) => status < 300));
    assert.ok(accepted.length > operations.length / 2, 'hardly a route ever took a request');
  });

  it('with a method that the route does not have are answered with 405 and those that it has', async () => {
    const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];
    const routes = operations.map(([name]) => {
      const [method = '', path = ''] = name.split(' ');
      const pattern = new RegExp(`^${path.replace('{path}', '.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
      return { method, path: path.replaceAll(/\{\w+\}/g, 'x'), pattern };
    });
    for (const path of new Set(routes.map(({ path }) => path))) {
      const known = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method);
      for (const method of methods.filter((method) => !known.includes(method))) {
        const given = await send(method, { path, headers: {}, body: null });
        assert.equal(given.status, 405, `${method} ${path}`);
        assert.deepEqual(given.allow.split(', ').toSorted(), [...new Set(known)].toSorted(), path);
      }
    }
  });

  /** Requests to the route: parameters and body that fit, and such that do not. */
  function calls(name: string, { parameters = [], requestBody }: Operation): Arbitrary<Call> {
    const template = name.split(' ')[1] ?? '';
    const places = parameters.filter((parameter) => parameter.in === 'path');
    const path = fc
      .record(Object.fromEntries(places.map((place) => [place.name, segment(place)])))
      .map((values) => template.replaceAll(/\{(\w+)\}/g, (_, place: string) => values[place] ?? ''));
    const query = fc.array(fc.oneof(...queries(parameters)), { maxLength: 4 });
    return fc.tuple(path, query, bodies(requestBody)).map(([base, pairs, { headers, body }]) => {
      const search = pairs.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
      return { path: search === '' ? base : `${base}?${search}`, headers, body };
    });
  }

  function segment({ name, schema }: Parameter): Arbitrary<string> {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 30 });
    if (name === 'path') {
      const known = fc.constantFrom('a.txt', 'b/c.txt', '..', '.', '.git', 'a.txt/b');
      const paths = fc.oneof(
        known,
        text.filter((path) => /[^/]/.test(path)),
      );
      return paths.map((path) => path.split('/').map(encodeURIComponent).join('/'));
    }
    const there = Object.hasOwn(ids, name) ? ids[name as keyof typeof ids] : resolve(schema).enum;
    const some = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom(...(there ?? ['x']).map(String)) },
      { weight: 1, arbitrary: fc.uuid() },
      { weight: 1, arbitrary: text },
    );
    return some.map(encodeURIComponent);
  }

  function queries(parameters: readonly Parameter[]): Arbitrary<[string, string]>[] {
    const declared = parameters.filter((parameter) => parameter.in === 'query');
    return [
      ...declared.map(({ name, schema }) => {
        const value = fc.oneof(fitting(schema, resolve), anything);
        return fc.tuple(fc.constant(name), value.map(toText)) as Arbitrary<[string, string]>;
      }),
      fc.tuple(fc.string({ unit: 'binary', maxLength: 5 }), anything.map(toText)),
    ];
  }

  function bodies(
    requestBody: Operation['requestBody'],
  ): Arbitrary<{ headers: Record<string, string>; body: Buffer | null }> {
    const none = fc.constant({ headers: {}, body: null });
    const schema = requestBody?.content['application/json']?.schema;
    const bytes = fc
      .tuple(fc.constantFrom('application/json', 'text/plain', 'application/octet-stream'), fc.uint8Array())
      .map(([type, content]) => ({ headers: { 'content-type': type }, body: Buffer.from(content) }));
    if (schema === undefined) return fc.oneof(none, bytes);
    const json = nearly(schema, resolve).map((value) => ({
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(value)),
    }));
    return fc.oneof(
      { weight: 8, arbitrary: json },
      { weight: 1, arbitrary: bytes },
      { weight: 1, arbitrary: none },
    );
  }

  /** As it is: what normalizes paths would hide what others send. A stream is read up to its beginning. */
  async function send(method: string, { path, headers, body }: Call): Promise<Given> {
    const { promise, resolve: answer, reject } = Promise.withResolvers<Given>();
    const { hostname, port } = new URL(server.url);
    const sent = { authorization: `Bearer ${key}`, ...headers, 'content-length': String(body?.length ?? 0) };
    request({ agent, method, hostname, port, path, headers: sent }, (response) => {
      const type = (response.headers['content-type'] ?? '').split(';')[0] ?? '';
      const status = response.statusCode ?? 0;
      const chunks: Buffer[] = [];
      const done = (): void =>
        answer({ status, type, allow: response.headers.allow ?? '', body: Buffer.concat(chunks).toString() });
      response.on('data', (chunk: Buffer) => chunks.push(chunk)).on('error', reject);
      if (type !== 'text/event-stream') return void response.on('end', done);
      response.once('data', () => {
        done();
        response.removeListener('error', reject).on('error', () => {});
        response.destroy();
      });
    })
      .on('error', reject)
      .end(body ?? undefined);
    return await promise;
  }

  function assertDescribed(name: string, operation: Operation, { status, type, body }: Given): void {
    assert.ok(status < 500, `${name} answers ${status}: ${body}`);
    const described = operation.responses[status];
    assert.ok(described, `${name} does not describe ${status}: ${body}`);
    if (described.content === undefined || body === '') return;
    const schema = described.content[type]?.schema ?? described.content['application/octet-stream']?.schema;
    assert.ok(schema, `${name} ${status} does not describe ${type}`);
    if (!/[/+]json$/.test(type) || described.content[type] === undefined) return;
    const validate = compiled.get(schema) ?? compile(schema);
    compiled.set(schema, validate);
    assert.ok(validate(JSON.parse(body)), `${name} ${status}: ${JSON.stringify(validate.errors)} ${body}`);
  }

  function compile(schema: JsonSchema): ValidateFunction {
    const whole = JSON.stringify({ ...schema, $defs: document.schemas });
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    return ajv.compile(JSON.parse(whole.replaceAll('#/components/schemas/', '#/$defs/')));
  }
});

function deletes(name: string): boolean {
  return name.startsWith('DELETE ');
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
