import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createRedactor } from './redact.ts';

describe('the redactor', () => {
  const redact = createRedactor(['a known secret']);

  it('masks what looks like a secret, however deep it is quoted', () => {
    const headers = {
      authorization: 'Bearer s3cret-1',
      'X-Api-Key': 's3cret-2',
      cookie: 'a=s3cret-3; b="s3cret-4"',
      'proxy-authorization': 'Basic czNjcmV0LTU=',
    };
    const samples = [
      JSON.stringify(headers),
      JSON.stringify({ message: JSON.stringify(headers) }),
      JSON.stringify({ deep: JSON.stringify({ message: JSON.stringify(headers) }) }),
      JSON.stringify({ headers: Object.entries(headers) }),
      JSON.stringify({
        raw: 'GET / HTTP/1.1\r\nauthorization: Bearer s3cret-1\r\nx-api-key: s3cret-2\r\nhost: a',
      }),
      "{ authorization: 'Bearer s3cret-1', 'x-api-key': 's3cret-2' }",
      'the key grk_ab12_s3cret-1 and sk-ant-api03-s3cret-2 are wrong',
      '{"url":"/events?ticket=s3cret-1&limit=1"}',
      'postgres://ada:s3cret-1@db.example/greenroom?sslpassword=s3cret-2',
      'curl -H "Authorization: Bearer s3cret-1"',
      JSON.stringify('a\nsk-ant-s3cret-1\ngrk_s3cret-2\nBearer s3cret-3\npostgres://a:s3cret-4@b'),
      'and a known secret',
    ];
    for (const sample of samples) {
      assert.doesNotMatch(redact(sample), /s3cret|czNjcmV0|a known secret/, sample);
      assert.match(redact(sample), /\[redacted\]/);
    }
  });

  it('leaves valid JSON, and everything else as it was', () => {
    const line = { headers: { cookie: 'a="b"', host: 'x' }, path: '/status/1?limit=2', n: 1 };
    assert.deepEqual(JSON.parse(redact(JSON.stringify(line))), {
      ...line,
      headers: { cookie: '[redacted]', host: 'x' },
    });
    for (const text of [
      '{"path":"/sessions/:session_id","status":200}',
      'see https://example.org:8443/a?b=c and mail ada@example.org',
      'the cookie jar, authorization of users',
      'task-1 risk-averse',
    ]) {
      assert.equal(redact(text), text);
    }
  });
});
