import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { quoteForShell, toCurl, toTypeScript } from './snippet.ts';

const options = { baseUrl: 'http://127.0.0.1:8000', needsKey: false };
const hostile = ["it's", '$(touch pwned)', '`id`', "'; rm -rf /; '", 'a\nb', '\\', '"', '!!', 'é 日本'];

describe('a command for the terminal', () => {
  it('quotes whatever is in it: a shell reads back what was meant', async () => {
    for (const text of hostile) {
      const { stdout } = await promisify(execFile)('sh', ['-c', `printf %s ${quoteForShell(text)}`]);
      assert.equal(stdout, text);
    }
  });

  it('sends the method, the body and the key that the request needs', () => {
    assert.equal(
      toCurl({ method: 'GET', path: '/sessions/a' }, options),
      "curl -sS 'http://127.0.0.1:8000/sessions/a'",
    );
    assert.equal(
      toCurl({ method: 'POST', path: '/execute/', body: { prompt: "it's" } }, { ...options, needsKey: true }),
      [
        "curl -sS 'http://127.0.0.1:8000/execute/' \\",
        '  -H "authorization: Bearer $GREENROOM_API_KEY" \\',
        "  -H 'content-type: application/json' \\",
        `  -d '{\n  "prompt": "it'\\''s"\n}'`,
      ].join('\n'),
    );
    assert.match(toCurl({ method: 'POST', path: '/cancel/a' }, options), /-X POST/);
    assert.match(toCurl({ method: 'DELETE', path: '/sessions/a' }, options), /-X DELETE/);
  });
});

describe('a call of the client', () => {
  it('is a program that says what was meant', () => {
    const body = { prompt: hostile.join(' '), 'odd-name': [1, 'two'], nested: { a: null, list: [] } };
    const text = toTypeScript({ call: 'client.execute', args: [body] }, options);
    const [, literal = ''] = /client\.execute\(([\s\S]*)\);\nconsole/.exec(text) ?? [];
    assert.deepEqual(new Function(`return ${literal}`)(), body);
    assert.match(text, /^ {2}nested: \{$/m);
  });
});
