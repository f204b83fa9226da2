import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apiModelName, meansModel } from './model-name.ts';

describe('the name of a model', () => {
  const names: [string, string][] = [
    ['us.anthropic.claude-3-5-sonnet-20241022-v1:0', 'claude-3-5-sonnet-20241022'],
    ['anthropic.claude-3-5-sonnet-20241022-v2:0', 'claude-3-5-sonnet-20241022'],
    ['eu.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-sonnet-4-5-20250929'],
    ['apac.anthropic.claude-3-haiku-20240307-v1:0', 'claude-3-haiku-20240307'],
    ['us-gov.anthropic.claude-3-haiku-20240307-v1:0:200k', 'claude-3-haiku-20240307'],
    ['global.anthropic.claude-opus-4-6-v1', 'claude-opus-4-6'],
    ['us.anthropic.claude-opus-5-5', 'claude-opus-5-5'],
    [
      'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v1:0',
      'claude-3-5-sonnet-20241022',
    ],
    [
      'arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0',
      'claude-3-haiku-20240307',
    ],
    ['claude-3-5-sonnet-v2@20241022', 'claude-3-5-sonnet-20241022'],
    ['claude-sonnet-4@20250514', 'claude-sonnet-4-20250514'],
    ['claude-opus-4-6@default', 'claude-opus-4-6'],
  ];
  for (const [given, expected] of names) {
    it(`on a cloud is that of the same model: ${given}`, () => assert.equal(apiModelName(given), expected));
  }

  it('is left as it is where no cloud gave it', () => {
    const others = [
      'sonnet',
      'claude-opus-5-5',
      'claude-sonnet-4-5-20250929',
      'claude-sonnet-4-5[1m]',
      'glm-4.6',
      'meta.llama3-70b-instruct-v1:0',
      'someone/anthropic.claude-3-haiku-20240307-v1:0',
      'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123',
      'me@example.com',
      '',
    ];
    for (const name of others) assert.equal(apiModelName(name), name);
  });

  it('is found out as fast for a long one as for a short one', () => {
    const start = performance.now();
    apiModelName(`us.anthropic.claude-${'-v1'.repeat(100_000)}@`);
    apiModelName(`claude-${'-v1'.repeat(100_000)}@x`);
    assert.ok(performance.now() - start < 1_000);
  });

  it('is meant by patterns of either form', () => {
    const name = 'us.anthropic.claude-haiku-4-5-20251001-v1:0';
    assert.ok(meansModel('claude-haiku-*', name));
    assert.ok(meansModel('us.anthropic.*', name));
    assert.equal(meansModel('claude-sonnet-*', name), false);
  });
});
