import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { type AnswerClientTool, createClientToolServer } from './client-tools.ts';

const input_schema = {
  type: 'object' as const,
  properties: { city: { type: 'string', pattern: '^[A-Z]' } },
  required: ['city'],
};

async function connect(answer: AnswerClientTool): Promise<Client> {
  const tools = [
    { name: 'weather', description: 'Says it.', input_schema, read_only: true },
    { name: 'move', description: 'Moves it.', input_schema },
  ];
  const { instance } = createClientToolServer(tools, answer);
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await instance.connect(ours);
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(theirs);
  return client;
}

describe('the server of client tools', () => {
  it('hands the schemas on as they are, and says which tools only read', async () => {
    const client = await connect(() => assert.fail());
    const { tools } = await client.listTools();
    assert.deepEqual(tools[0]?.inputSchema, input_schema);
    assert.deepEqual(
      tools.map(({ name, annotations }) => [name, annotations?.readOnlyHint]),
      [
        ['weather', true],
        ['move', false],
      ],
    );
  });

  it('answers a call with what was answered to its tool use', async () => {
    const image = { type: 'base64', media_type: 'image/png', data: 'AAAA' } as const;
    const client = await connect(async ({ toolUseId, name, input }) => ({
      content: [
        { type: 'text', text: `${toolUseId} ${name} ${input.city}` },
        { type: 'image', source: image },
      ],
      is_error: name === 'move',
    }));
    // The input is the caller's to check: this one does not fit the schema.
    const call = { name: 'move', arguments: { city: 'x' }, _meta: { 'claudecode/toolUseId': 'toolu_1' } };
    const { content, isError } = await client.callTool(call);
    assert.equal(isError, true);
    assert.deepEqual(content, [
      { type: 'text', text: 'toolu_1 move x' },
      { type: 'image', data: 'AAAA', mimeType: 'image/png' },
    ]);
  });

  it('refuses a call that does not say which tool use it belongs to', async () => {
    const client = await connect(() => assert.fail());
    await assert.rejects(client.callTool({ name: 'move', arguments: {} }), /which tool use/);
  });
});
