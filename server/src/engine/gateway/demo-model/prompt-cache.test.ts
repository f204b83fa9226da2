import assert from 'node:assert/strict';
import { it } from 'node:test';
import { messagesRequest } from './messages-request.ts';
import { PromptCache } from './prompt-cache.ts';

const mark = { cache_control: { type: 'ephemeral' } };

function request(messages: object[]) {
  return messagesRequest.parse({ model: 'demo', max_tokens: 10, system: 'S'.repeat(400), messages });
}

const first = request([{ role: 'user', content: [{ type: 'text', text: 'a'.repeat(400), ...mark }] }]);
const second = request([
  { role: 'user', content: 'a'.repeat(400) },
  { role: 'assistant', content: [{ type: 'text', text: 'b' }] },
  { role: 'user', content: [{ type: 'text', text: 'c'.repeat(400), ...mark }] },
]);

it('creates what is marked, and reads it when the conversation goes on', () => {
  const cache = new PromptCache();
  const created = cache.account(first);
  assert.equal(created.cache_read_input_tokens, 0);
  assert.ok(created.cache_creation_input_tokens >= 200);
  const read = cache.account(second);
  assert.equal(read.cache_read_input_tokens, created.cache_creation_input_tokens);
  assert.ok(read.cache_creation_input_tokens >= 100);
});

it('counts everything as input when nothing is marked', () => {
  const usage = new PromptCache().account(request([{ role: 'user', content: 'x'.repeat(4_000) }]));
  assert.ok(usage.input_tokens > 1_000);
  assert.equal(usage.cache_creation_input_tokens + usage.cache_read_input_tokens, 0);
});

it('forgets the oldest prefix when it is full', () => {
  const cache = new PromptCache(1);
  cache.account(first);
  cache.account(request([{ role: 'user', content: [{ type: 'text', text: 'other', ...mark }] }]));
  assert.equal(cache.account(first).cache_read_input_tokens, 0);
});
