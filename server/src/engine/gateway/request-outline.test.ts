import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { JsonProblem } from './json-scanner.ts';
import { OutlineReader, type RequestOutline } from './request-outline.ts';

function outlineOf(body: object | string): RequestOutline {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const reader = new OutlineReader(bytes);
  for (let end = 1; end <= bytes.length; end++) reader.advance(end);
  return reader.end();
}

const withContent = (...content: object[]): object => ({ messages: [{ role: 'user', content }] });

describe('the outline of a model request', () => {
  it('has what stands in the body, and not what stands below', () => {
    const outline = outlineOf(
      '{"metadata":{"model":7,"max_tokens":1},"max_\\u0074okens":1.5e1,"model":"a\\u002db","x":[{"max_tokens":2}]}',
    );
    assert.deepEqual([outline.model, outline.maxTokens, outline.isStream], ['a-b', 15, false]);
    assert.equal(outlineOf({ stream: true }).isStream, true);
    assert.deepEqual([...outline.fields], ['metadata', 'max_tokens', 'model', 'x']);
    for (const body of ['{"model":7,"max_tokens":"5"}', '{"model":["m"],"max_tokens":{}}', '{}']) {
      const { model, maxTokens } = outlineOf(body);
      assert.deepEqual([model, maxTokens], [undefined, undefined]);
    }
  });

  it('refuses what is no object, what is doubled, also by an escape, and too many fields', () => {
    const tool = (text: string): string => `{"tools":[{"type":"web_search_1",${text}}]}`;
    const fields = Array.from({ length: 101 }, (_, index) => `"f${index}":0`).join();
    const refused = ['[]', '[{"model":"m"}]', '"m"', '7', `{${fields}}`, tool(`"a":"${'x'.repeat(20_000)}"`)];
    const doubled = [
      '{"model":"a","model":"b"}',
      '{"model":"a","\\u006dodel":"b"}',
      tool('"max_uses":1,"max_uses":9'),
    ];
    for (const body of [...refused, ...doubled]) {
      assert.throws(() => outlineOf(body), JsonProblem, body.slice(0, 60));
    }
    assert.equal(
      outlineOf('{"model":"m","system":{"a":1,"a":2}}').model,
      'm',
      'below it is nobody else’s to judge',
    );
  });

  it('finds tools that the model API runs, wherever they are defined, by what it does not know as the agent’s', () => {
    const client = [
      'custom',
      'bash_20250124',
      'text_editor_20250728',
      'computer_20251124',
      'memory_20250818',
    ];
    const server = [
      'web_search_20250305',
      'code_execution_20250825',
      'mcp_toolset',
      'bash_code_execution_1',
      'new',
    ];
    const tools = [...client, ...server].map((type) => ({
      name: 'a',
      input_schema: { type: 'object' },
      type,
    }));
    const outline = outlineOf({
      tools: [{ name: 'mine', input_schema: { type: 'web_search_1' } }, ...tools],
    });
    assert.deepEqual(
      outline.serverTools.map(({ type }) => type),
      server,
    );
    assert.deepEqual(outline.serverTools[0]?.definition, tools[5]);
    assert.equal(outline.denseParts, 4);
    const added = {
      type: 'tool_addition',
      tool: { type: 'tool_definition', definition: { type: 'web_fetch_1' } },
    };
    assert.equal(outlineOf(withContent(added)).serverTools[0]?.type, 'web_fetch_1');
    const escaped = outlineOf('{"tools":[{"\\u0074ype":"web\\u005fsearch_1"}]}');
    assert.equal(escaped.serverTools[0]?.type, 'web_search_1');
  });

  it('finds sources whose content is elsewhere, at any depth, and in whatever order', () => {
    const url = { url: 'https://a.example/x.png', type: 'url' };
    const inResult = { type: 'tool_result', content: [{ type: 'image', source: url }] };
    const inDocument = {
      type: 'document',
      source: { type: 'content', content: [{ type: 'image', source: url }] },
    };
    for (const block of [{ type: 'image', source: url }, inResult, inDocument]) {
      assert.deepEqual([...outlineOf(withContent(block)).references], ['source of type url']);
    }
    const others = outlineOf(
      withContent({ type: 'document', source: { type: 'file', file_id: 'f' } }, { type: 'container_upload' }),
    );
    assert.deepEqual([...others.references], ['source of type file', 'container_upload']);
    const doubled = '{"messages":[{"content":[{"source":{"type":"url","type":"base64"}}]}]}';
    assert.equal(outlineOf(doubled).references.size, 1);
  });

  it('passes over what agents and callers made: inputs, schemas and texts', () => {
    const trap = {
      source: { type: 'url' },
      definition: { type: 'web_fetch_1' },
      type: 'container_upload',
      model: 'x',
    };
    const outline = outlineOf({
      model: 'm',
      tools: [{ name: 'a', input_schema: { properties: trap }, input_examples: [trap] }],
      output_config: { format: { type: 'json_schema', schema: { properties: trap } } },
      ...withContent(
        { type: 'tool_use', id: 't', name: 'a', input: trap },
        { type: 'text', text: JSON.stringify(trap) },
        { type: 'search_result', source: 'https://a.example', title: 'url' },
        { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
        { type: 'fallback', from: { model: 'past' }, to: { model: 'past' } },
      ),
    });
    assert.deepEqual([outline.references.size, outline.serverTools.length], [0, 0]);
    assert.deepEqual([outline.otherModels, outline.denseParts, outline.hasPackedText], [[], 1, false]);
  });

  it('finds other models, the fast mode, summaries, and documents that are packed', () => {
    const fallbacks = outlineOf({ model: 'a', fallbacks: [{ model: 'b', speed: 'fast' }] });
    assert.deepEqual([fallbacks.model, fallbacks.otherModels, fallbacks.isFast], ['a', ['b'], true]);
    assert.deepEqual(outlineOf({ model: 'a', fallbacks: 'default' }).otherModels, ['default']);
    assert.deepEqual(outlineOf({ tools: [{ type: 'advisor_1', model: 'c' }] }).otherModels, ['c']);
    assert.equal(outlineOf({ speed: 'standard' }).isFast, false);
    assert.equal(
      outlineOf({ context_management: { edits: [{ type: 'compact_20260112' }] } }).isCompacting,
      true,
    );
    const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } };
    assert.equal(outlineOf(withContent(pdf)).hasPackedText, true);
  });
});
