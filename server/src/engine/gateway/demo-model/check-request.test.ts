import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refusalOf } from './check-request.ts';
import { messagesRequest } from './messages-request.ts';
import { limitsOf } from './model-limits.ts';
import { signThought } from './thought-signature.ts';

const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const system = (content: unknown, more: object = {}) => ({ role: 'system', content, ...more });
const text = (value: string, more: object = {}) => ({ type: 'text', text: value, ...more });
const call = (id: string) => ({ type: 'tool_use', id, name: 'Bash', input: {} });
const result = (tool_use_id: string, more: object = {}) => ({ type: 'tool_result', tool_use_id, ...more });
const thought = (thinking: string, signature: unknown = signThought(thinking)) => ({
  type: 'thinking',
  thinking,
  signature,
});
const tool = (more: object = {}) => ({ name: 'Bash', input_schema: { type: 'object' }, ...more });
const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const image = (source: object) => ({
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: png, ...source },
});
const marked = { cache_control: { type: 'ephemeral' } };
const hello = [user('hello')];

function judge(more: object, betas: string[] = []): string | undefined {
  const request = messagesRequest.parse({
    model: 'claude-opus-5-5',
    max_tokens: 10_000,
    messages: hello,
    ...more,
  });
  const limits = limitsOf(request.model) ?? assert.fail(`unknown: ${request.model}`);
  return refusalOf(request, { limits, betas, maxTokens: request.max_tokens });
}

describe('a request to the demo model', () => {
  const taken: [string, object, string[]?][] = [
    ['with a text', {}],
    ['with one message after another of the same role', { messages: [user('one'), user('two')] }],
    [
      'with calls that are answered at once, in any order, and text after',
      {
        messages: [
          user('go'),
          assistant([text('I go'), call('a'), call('b')]),
          user([result('b'), result('a', { content: '' }), text('and now?')]),
        ],
      },
    ],
    [
      'with answers to calls in two messages',
      {
        messages: [user('go'), assistant([call('a'), call('b')]), user([result('a')]), user([result('b')])],
      },
    ],
    ['with instructions at the end', { messages: [...hello, system('be brief')] }],
    [
      'with instructions before an answer',
      { messages: [...hello, system('be brief'), assistant('hi'), ...hello] },
    ],
    [
      'with an effort between messages',
      { messages: [...hello, assistant('hi'), system([], { output_config: { effort: 'low' } }), ...hello] },
      ['mid-conversation-output-config-2026-07-01'],
    ],
    [
      'with its own thought',
      {
        messages: [...hello, assistant([thought('hm'), text('hi')]), ...hello],
        thinking: { type: 'adaptive' },
      },
    ],
    [
      "with another model's thought",
      { messages: [...hello, assistant([thought('hm', 'EqoBCkgIARABGAIiQ'), text('hi')]), ...hello] },
    ],
    ['with an image', { messages: [user([image({}), text('what is it?')])] }],
    [
      'with an image by address',
      { messages: [user([{ type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } }])] },
    ],
    [
      'with four cache marks',
      {
        tools: [tool(marked)],
        system: [text('a', marked)],
        messages: [user([text('b', marked), text('c', marked)])],
      },
    ],
    [
      'with a tool of the API itself',
      { tools: [{ type: 'web_search_20250305', name: 'web_search' }, tool({ type: 'custom' })] },
    ],
    [
      'with a schema of another version',
      {
        tools: [
          tool({ input_schema: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' } }),
        ],
      },
    ],
    [
      'of an older model with a budget for thoughts',
      { model: 'claude-sonnet-4-5', thinking: { type: 'enabled', budget_tokens: 5_000 } },
    ],
    [
      'with a larger budget for thoughts between calls',
      { model: 'claude-sonnet-4-5', thinking: { type: 'enabled', budget_tokens: 20_000 } },
      ['interleaved-thinking-2025-05-14'],
    ],
    [
      'of an older model that begins its answer',
      { model: 'claude-sonnet-4-5', messages: [...hello, assistant('Oh')] },
    ],
    ['of the demo model by name', { model: 'my-demo', max_tokens: 1_000_000 }],
  ];
  for (const [title, more, betas] of taken) {
    it(`${title} is taken`, () => assert.equal(judge(more, betas), undefined));
  }

  const refused: [string, object, RegExp][] = [
    [
      'with a message without content',
      { messages: [user([]), assistant('hi'), ...hello] },
      /^messages\.0: all messages must have non-empty content/,
    ],
    [
      'with an instruction without content',
      { messages: [...hello, system([]), assistant('hi'), ...hello] },
      /^messages\.1: all messages must have non-empty content/,
    ],
    [
      'with instructions, of a model that takes none there',
      { model: 'claude-haiku-4-5', messages: [...hello, system('be brief')] },
      /^messages\.1: role 'system' is not supported on this model$/,
    ],
    [
      'with an effort in a message, without the beta',
      { messages: [...hello, system([], { output_config: { effort: 'low' } })] },
      /^messages\.1\.output_config: Extra inputs are not permitted$/,
    ],
    [
      'with an empty text',
      { messages: [user([text('')])] },
      /^messages: text content blocks must be non-empty/,
    ],
    ['with an empty system prompt', { system: [text('')] }, /^system: text content blocks must be non-empty/],
    ['with a blank text', { messages: [user(' \n')] }, /must contain non-whitespace text/],
    [
      'with the beginning of an answer that ends in a blank',
      { model: 'claude-sonnet-4-5', messages: [...hello, assistant('Oh ')] },
      /^messages: final assistant content cannot end with trailing whitespace/,
    ],
    [
      'with the beginning of an answer, of a model that takes none',
      { messages: [...hello, assistant('Oh')] },
      /does not support assistant message prefill/,
    ],
    [
      'with instructions first',
      { messages: [system('be brief'), ...hello] },
      /role 'system' must follow a 'user'/,
    ],
    [
      'with instructions before a question',
      { messages: [...hello, system('be brief'), ...hello] },
      /^messages\.1: role 'system' must precede an 'assistant' message or end the array/,
    ],
    [
      'with a call that is not answered',
      { messages: [...hello, assistant([call('a'), call('b')]), user([result('a')])] },
      /^messages\.1: `tool_use` ids were found without `tool_result` blocks immediately after: b\./,
    ],
    [
      'with a call that is answered after a text',
      { messages: [...hello, assistant([call('a')]), user([text('so'), result('a')])] },
      /ids were found without `tool_result`/,
    ],
    [
      'that ends with a call',
      { model: 'claude-sonnet-4-5', messages: [...hello, assistant([call('a')])] },
      /ids were found without `tool_result`/,
    ],
    [
      'with an answer to no call',
      { messages: [user([result('a')])] },
      /^messages\.0\.content\.0: unexpected `tool_use_id` found in `tool_result` blocks: a\./,
    ],
    [
      'with two answers to a call',
      { messages: [...hello, assistant([call('a')]), user([result('a'), result('a')])] },
      /each tool_use must have a single result/,
    ],
    [
      'with two calls of one id',
      {
        messages: [
          ...hello,
          ...[assistant([call('a')]), user([result('a')])],
          ...[assistant([call('a')]), user([result('a')])],
        ],
      },
      /^messages: `tool_use` ids must be unique/,
    ],
    [
      'with a failure that says nothing',
      { messages: [...hello, assistant([call('a')]), user([result('a', { is_error: true, content: '' })])] },
      /content cannot be empty if `is_error` is true/,
    ],
    ["with a call of the user's", { messages: [user([call('a')])] }, /can only be in `assistant` messages/],
    [
      'with an odd id of a call',
      { messages: [...hello, assistant([call('a b')]), user([result('a b')])] },
      /tool_use\.id: String should match pattern/,
    ],
    [
      'with a thought that was changed',
      { messages: [...hello, assistant([thought('hm!', signThought('hm')), text('hi')]), ...hello] },
      /^messages\.1\.content\.0: Invalid `signature` in `thinking` block/,
    ],
    [
      'with a thought that nobody signed',
      { messages: [...hello, assistant([thought('hm', null), text('hi')]), ...hello] },
      /^messages\.1\.content\.0\.thinking\.signature: Field required/,
    ],
    [
      'with an image of another kind',
      { messages: [user([image({ media_type: 'image/bmp' })])] },
      /media_type: Input should be 'image\/jpeg', 'image\/png', 'image\/gif', 'image\/webp'/,
    ],
    [
      'with an image that is of another kind than it says',
      { messages: [user([image({ media_type: 'image/jpeg' })])] },
      /does not match the provided media type image\/jpeg/,
    ],
    ['with an image that is no base64', { messages: [user([image({ data: 'ö' })])] }, /Invalid base64 data/],
    [
      'with an image that is too large, in the answer of a tool',
      {
        messages: [
          ...hello,
          assistant([call('a')]),
          user([result('a', { content: [image({ data: 'A'.repeat(7_000_000) })] })]),
        ],
      },
      /^messages\.2\.content\.0\.tool_result\.content\.0\.image\.source\.base64: image exceeds 5 MB maximum/,
    ],
    [
      'with five cache marks',
      {
        tools: [tool(marked)],
        system: [text('a', marked)],
        messages: [
          user([text('b', marked)]),
          assistant([call('a')]),
          user([result('a', { ...marked, content: [text('c', marked)] })]),
        ],
      },
      /^A maximum of 4 blocks with cache_control may be provided\. Found 5\.$/,
    ],
    ['with two tools of one name', { tools: [tool(), tool()] }, /^tools: Tool names must be unique/],
    [
      'with an odd name of a tool',
      { tools: [tool({ name: 'run it' })] },
      /^tools\.0\.custom\.name: String should match pattern/,
    ],
    [
      'with a tool without a schema',
      { tools: [tool({ input_schema: undefined })] },
      /^tools\.0\.custom\.input_schema: Field required/,
    ],
    [
      'with a tool whose input is no object',
      { tools: [tool({ input_schema: { type: 'string' } })] },
      /input_schema\.type: Input should be 'object'/,
    ],
    [
      'with alternatives at the top of a schema',
      { tools: [tool({ input_schema: { type: 'object', anyOf: [{}] } })] },
      /does not support oneOf, allOf, or anyOf at the top level/,
    ],
    [
      'with an odd name of a property',
      { tools: [tool({ input_schema: { type: 'object', properties: { 'a b': {} } } })] },
      /Property keys should match pattern/,
    ],
    [
      'with what is no schema',
      { tools: [tool({ input_schema: { type: 'object', required: 'a' } })] },
      /JSON schema is invalid\. It must match JSON Schema draft 2020-12/,
    ],
    [
      'with more tokens than the model answers with',
      { max_tokens: 200_000 },
      /^max_tokens: 200000 > 128000, which is the maximum allowed number of output tokens for claude-opus-5-5$/,
    ],
    [
      'with more tokens than an old model answers with',
      { model: 'us.anthropic.claude-3-5-sonnet-20241022-v1:0' },
      /^max_tokens: 10000 > 8192/,
    ],
    [
      'with a budget for thoughts, of a model that chooses itself',
      { thinking: { type: 'enabled', budget_tokens: 5_000 } },
      /^"thinking\.type\.enabled" is not supported for this model/,
    ],
    [
      'without thoughts, of a model that always thinks',
      { thinking: { type: 'disabled' } },
      /^"thinking\.type\.disabled" is not supported for this model/,
    ],
    [
      'with thoughts as the model likes, of one that cannot choose',
      { model: 'claude-haiku-4-5', thinking: { type: 'adaptive' } },
      /^adaptive thinking is not supported on this model/,
    ],
    [
      'with a budget for thoughts that is too small',
      { model: 'claude-sonnet-4-5', thinking: { type: 'enabled', budget_tokens: 100 } },
      /greater than or equal to 1024/,
    ],
    [
      'with a budget for thoughts that leaves no answer',
      { model: 'claude-sonnet-4-5', thinking: { type: 'enabled', budget_tokens: 10_000 } },
      /^`max_tokens` must be greater than `thinking\.budget_tokens`/,
    ],
    [
      'with thoughts and a tool that must be used',
      { thinking: { type: 'adaptive' }, tools: [tool()], tool_choice: { type: 'any' } },
      /^Thinking may not be enabled when tool_choice forces tool use/,
    ],
  ];
  for (const [title, more, expected] of refused) {
    it(`${title} is refused`, () => assert.match(judge(more) ?? 'taken', expected));
  }

  it('is held to what its model takes, whichever name that has', () => {
    const limits: [string, number][] = [
      ['claude-3-opus-20240229', 4_096],
      ['claude-3-haiku-20240307', 4_096],
      ['claude-3-5-haiku-latest', 8_192],
      ['claude-3-7-sonnet-20250219', 64_000],
      ['claude-sonnet-4-20250514', 64_000],
      ['claude-opus-4-1-20250805', 32_000],
      ['claude-opus-4@20250514', 32_000],
      ['eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 64_000],
      ['claude-opus-4-6', 128_000],
      ['claude-fable-5-1', 128_000],
      ['claude-sonnet-demo', Number.POSITIVE_INFINITY],
    ];
    assert.deepEqual(
      limits.map(([name]) => [name, limitsOf(name)?.maxTokens]),
      limits,
    );
    for (const name of ['gpt-5', 'claude', 'anthropic.claude-v2', 'someone/claude-opus-5']) {
      assert.equal(limitsOf(name), undefined, name);
    }
  });
});
