import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startTestServer, type TestServer } from '../support/harness.ts';
import { startRecordingUpstream } from '../support/recording-upstream.ts';

const onBedrock = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
const onVertex = 'claude-sonnet-4-5@20250929';

describe("a session that names its model as a cloud does, here Amazon Bedrock or Google's Vertex AI", () => {
  it('is answered by that model, also after a change and in subagents, and keeps the name', async () => {
    await using server = await startTestServer();
    const id = await server.execute({
      prompt: 'use Agent {"description": "count", "prompt": "count to 3", "subagent_type": "counter"}',
      model: onBedrock,
      agents: { counter: { description: 'counts', prompt: 'You count.', model: onVertex } },
      allowed_tools: ['Agent'],
    });
    const { messages } = await server.ended(id);
    assert.deepEqual(modelsOf(messages), ['claude-haiku-4-5-20251001', 'claude-sonnet-4-5-20250929']);
    await server.client.sessions.update(id, { model: onVertex });
    await server.client.sessions.messages.send(id, { prompt: 'hello' });
    const changed = await server.ended(id);
    assert.deepEqual(modelsOf(changed.messages.slice(messages.length)), ['claude-sonnet-4-5-20250929']);
    assert.equal((await server.client.sessions.get(id)).options.model, onVertex);
  });

  it('passes the name on where another API answers, and is allowed by either form of it', async () => {
    await using model = await startRecordingUpstream();
    await using server = await startTestServer({
      config: { anthropicBaseUrl: model.url, anthropicApiKey: 'key', allowedModels: ['claude-haiku-*'] },
    });
    const id = await server.execute({ prompt: 'hello', model: onBedrock });
    assert.equal((await server.ended(id)).status, 'completed');
    assert.equal(model.requests[0]?.body.model, onBedrock);
    const refused = await server.execute({ prompt: 'hello', model: onVertex });
    const { status, error } = await server.ended(refused);
    assert.equal(status, 'error');
    assert.match(error ?? '', /the model claude-sonnet-4-5@20250929 is not allowed on this server/);
  });
});

/** Those that answered, in alphabetical order. */
function modelsOf(messages: Awaited<ReturnType<TestServer['ended']>>['messages']): string[] {
  const answers = messages.filter(({ type }) => type === 'AssistantMessage');
  return [...new Set(answers.map(({ content }) => content.model))].toSorted();
}
