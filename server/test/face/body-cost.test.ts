import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { executeRequest } from '../../src/face/classic/classic.ts';
import { startTestServer, type TestServer } from '../support/harness.ts';

const objectOf = (count: number, value: unknown): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));
const schema = (value: object) => ({
  output_format: { type: 'json_schema', schema: { type: 'object', ...value } },
});
const long = 'B'.repeat(300_000);

/** Each took the server seconds or minutes when it was compiled, compared or described in full. */
const bodies: Record<string, object> = {
  'a definition with many properties, used many times': schema({
    properties: objectOf(400, { $ref: '#/$defs/a' }),
    $defs: { a: { properties: objectOf(200, { type: 'string' }) } },
  }),
  'an input of a tool with the same': {
    client_tools: [
      {
        name: 'a',
        description: 'a',
        input_schema: {
          type: 'object',
          properties: objectOf(400, { $ref: '#/$defs/a' }),
          $defs: { a: { properties: objectOf(200, { type: 'string' }) } },
        },
      },
    ],
  },
  'a pattern that backtracks, and a name that makes it': schema({
    properties: { [`${'a'.repeat(40)}!`]: {} },
    patternProperties: { '^(a+)+$': {} },
  }),
  'deep names under a long one': schema({
    properties: { [long.slice(0, 40_000)]: { properties: objectOf(4_000, {}) } },
    minProperties: -1,
  }),
  'references that are short, to what has a long name by then': schema({
    type: undefined,
    $ref: `#/$defs/${'\u6f22'.repeat(8_000)}`,
    $defs: {
      ['\u6f22'.repeat(8_000)]: {
        type: 'object',
        properties: { x: {}, ...objectOf(1_500, { $ref: '#/properties/x' }) },
      },
    },
  }),
  'many unknown fields': objectOf(9_900, 1),
  'unknown tools of long names': { tools: Array(50).fill(long) },
  'rules of long names': { allowed_tools: Array(50).fill(long) },
  'a list of what is no beta': { betas: Array(190_000).fill('x') },
  'variables of wrong names': { env: objectOf(900, 'x'), metadata: objectOf(9_000, 1) },
  'agents with unknown fields': { agents: objectOf(50, objectOf(190, 1)) },
  'hosts that are none': { network: { allowed_hosts: Array(100).fill('a-'.repeat(90_000)) } },
};

/** Milliseconds of processor time, the least of some tries. */
function costOf(work: () => void): number {
  const costs = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return Math.min(...costs);
}

describe('a request that is costly to check', () => {
  let server: TestServer;
  before(async () => {
    server = await startTestServer();
  });
  after(async () => await server[Symbol.asyncDispose]());

  for (const [name, body] of Object.entries(bodies)) {
    it(`is refused at once, and holds up nobody: ${name}`, async () => {
      await server.request('POST', '/execute/', { prompt: 'hi', ...body });
      const before = process.cpuUsage();
      const costly = server.request('POST', '/execute/', { prompt: 'hi', ...body });
      const others = Array.from({ length: 5 }, async () => await server.request('GET', '/healthz'));
      for (const { status } of await Promise.all(others)) assert.equal(status, 200);
      const answer = await costly;
      const { user, system } = process.cpuUsage(before);
      assert.equal(answer.status, 422, JSON.stringify(answer.body).slice(0, 500));
      assert.ok(answer.body.errors.length <= 50);
      const checking = costOf(() => void executeRequest.safeParse({ prompt: 'hi', ...body }));
      assert.ok(checking < 50, `${checking} ms of processor time to check it`);
      // Writing, sending and reading the requests included.
      assert.ok(user + system < 750_000, `${(user + system) / 1_000} ms of processor time`);
    });
  }
});
