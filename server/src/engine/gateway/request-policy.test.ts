import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { OutlineReader } from './request-outline.ts';
import { extentOf, requireAllowed } from './request-policy.ts';

function asked(body: object) {
  const bytes = Buffer.from(JSON.stringify({ model: 'm', max_tokens: 10, ...body }));
  const reader = new OutlineReader(bytes);
  reader.advance(bytes.length);
  const outline = reader.end();
  const { model = '', maxTokens = 0, isStream } = outline;
  return { model, maxTokens, isStream, bytes, outline };
}

const search = { type: 'web_search_20250305', name: 'web_search', max_uses: 3 };
const fetching = { type: 'web_fetch_20250910', name: 'web_fetch' };
const image = (source: object): object => ({ messages: [{ content: [{ type: 'image', source }] }] });
const byUrl = image({ type: 'url', url: 'https://a.example/x.png' });

function allows(body: object, allowedHosts: readonly string[] | null, allowedModels: string[] = []): boolean {
  try {
    requireAllowed(asked(body), { allowedHosts, allowedModels });
    return true;
  } catch (error) {
    assert.equal((error as { status?: number }).status, 403);
    return false;
  }
}

describe('what an agent may ask of the model API', () => {
  it('reaches no further than the session: nothing is fetched for an isolated agent, by whatever means', () => {
    const reaching = [
      ...[byUrl, image({ type: 'file', file_id: 'f' }), image({ type: 'to-come' })],
      ...[{ mcp_servers: [{ type: 'url', url: 'https://a.example', name: 'a' }] }, { container: 'c' }],
      ...[
        search,
        fetching,
        { type: 'code_execution_20250825' },
        { type: 'mcp_toolset' },
        { type: 'new' },
      ].map((tool) => ({ tools: [tool] })),
      { messages: [{ content: [{ type: 'container_upload', file_id: 'f' }] }] },
    ];
    for (const body of reaching) {
      assert.equal(allows(body, []), false, JSON.stringify(body));
      assert.equal(allows(body, ['a.example']), false, JSON.stringify(body));
      assert.equal(allows(body, null), true, JSON.stringify(body));
    }
    const harmless = [
      ...[{}, image({ type: 'base64', media_type: 'image/png', data: 'AAAA' }), { a_new_field: true }],
      { tools: [{ name: 'a' }, { type: 'bash_20250124' }, { type: 'tool_search_tool_regex' }] },
    ];
    for (const body of harmless) assert.equal(allows(body, []), true, JSON.stringify(body));
  });

  it('lets the web tools look at domains that the session may connect to, with all below them', () => {
    const hosts = ['docs.example', '*.docs.example', '*.b.example', 'alone.example'];
    const looks = (...allowed_domains: string[]): boolean => {
      const both = [search, fetching].map((tool) => allows({ tools: [{ ...tool, allowed_domains }] }, hosts));
      assert.equal(both[0], both[1]);
      return both[0] === true;
    };
    assert.equal(looks('docs.example'), true);
    assert.equal(looks('docs.example/guide', 'x.b.example', 'DOCS.example'), true);
    const disguised = [
      'evil.example#.docs.example',
      'evil.example\\.docs.example',
      'a@docs.example',
      'docs.example:1',
    ];
    const others = ['alone.example', 'b.example', 'c.example', '', '*', 'example', 'xdocs.example'];
    for (const domain of [...others, ...disguised]) {
      assert.equal(looks('docs.example', domain), false, domain);
    }
    assert.equal(looks(), false);
    assert.equal(allows({ tools: [{ ...search, allowed_domains: null }] }, hosts), false);
  });

  it('names allowed models only, as fallbacks and advisors too', () => {
    const models = ['m', 'also-*'];
    assert.equal(allows({ fallbacks: [{ model: 'also-this' }] }, null, models), true);
    assert.equal(allows({ fallbacks: [{ model: 'dear' }] }, null, models), false);
    assert.equal(allows({ fallbacks: 'default' }, null, models), false);
    assert.equal(allows({ tools: [{ type: 'advisor_20260301', model: 'dear' }] }, null, models), false);
  });

  it('has a price: no search without a limit, no fast mode, no other payer', () => {
    const refused = [
      { tools: [{ ...search, max_uses: null }] },
      { tools: [{ ...search, max_uses: '3' }] },
      { speed: 'fast' },
      { inference_geo: 'us' },
      { billing_policy: {} },
    ];
    for (const body of refused) assert.equal(allows(body, null), false, JSON.stringify(body));
  });
});

describe('what an agent may ask of the model API, in a message too', () => {
  it('names allowed models only, for an advisor that is defined there', () => {
    const definition = { type: 'advisor_20260301', name: 'advisor', model: 'claude-opus-4-8' };
    const tool = { type: 'tool_definition', definition };
    const body = { messages: [{ role: 'system', content: [{ type: 'tool_addition', tool }] }] };
    assert.equal(allows(body, null, ['m']), false);
    assert.equal(allows(body, null, ['m', 'claude-opus-*']), true);
  });

  it('names no more domains than are quickly compared', () => {
    const allowed_domains = Array.from({ length: 1_200 }, () => 'a.example');
    const tools = Array.from({ length: 32 }, () => ({ ...search, allowed_domains }));
    const hosts = [...Array.from({ length: 98 }, (_, n) => `h${n}.example`), 'a.example', '*.a.example'];
    assert.equal(allows({ tools }, hosts), false);
  });
});

describe('the extent of a request', () => {
  const of = (body: object) => {
    const { bytes: _, ...extent } = extentOf(asked(body));
    return extent;
  };
  const plain = {
    maxTokens: 10,
    otherModels: [],
    extraTokens: 0,
    fillsContext: false,
    rounds: 1,
    searches: 0,
  };

  it('is the body, where all is in it', () => {
    assert.deepEqual(of({ messages: [], system: 'x', tools: [{ name: 'a' }], stream: true }), plain);
  });

  it('is that of the model that may write most, where others may answer instead', () => {
    const { maxTokens } = of({ fallbacks: [{ model: 'other', max_tokens: 128_000 }] });
    assert.equal(maxTokens, 128_000);
  });

  it('is the whole context for what comes from elsewhere, and for fields that nobody knows', () => {
    const pdf = image({ type: 'base64', media_type: 'application/pdf', data: 'AAAA' });
    for (const body of [byUrl, { thread: { type: 'continue' } }, { a_new_field: 1 }, { container: 'c' }]) {
      assert.deepEqual(of(body), { ...plain, fillsContext: true }, JSON.stringify(body));
    }
    assert.equal(of(pdf).fillsContext, true);
  });

  it('counts how often the model API asks the model, and what it searches', () => {
    assert.deepEqual(of({ tools: [search] }), { ...plain, fillsContext: true, rounds: 4, searches: 3 });
    assert.equal(of({ tools: [search, fetching] }).rounds, 10);
    assert.equal(of({ context_management: { edits: [{ type: 'compact_20260112' }] } }).rounds, 2);
  });

  it('counts pictures, and tools that the model API describes, as more than their bytes', () => {
    const tools = [{ type: 'computer_20251124' }, { name: 'mine' }];
    const picture = image({ type: 'base64', media_type: 'image/png', data: 'AAAA' });
    assert.equal(of({ tools, ...picture }).extraTokens, 10_000);
  });
});
