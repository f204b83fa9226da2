import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readToolCall, splitUrl } from './tool-call.ts';

const asked = (tool_name: string, input: Record<string, unknown>) =>
  readToolCall({ tool_name, input, description: null });

describe('what a call would do', () => {
  it('shows a command, and what else goes with it', () => {
    const input = { command: 'ls', description: 'List', dangerouslyDisableSandbox: true };
    const shown = asked('Bash', input);
    assert.deepEqual(shown.call, { kind: 'command', command: 'ls' });
    assert.deepEqual(shown.says, ['List']);
    assert.deepEqual(shown.rest, { dangerouslyDisableSandbox: true });
  });

  it('leaves nothing out of an input that is not as the tool has it', () => {
    const input = { command: ['rm', '-rf'], description: { a: 1 } };
    const shown = asked('Bash', input);
    assert.equal(shown.call.kind, 'other');
    assert.deepEqual(shown.rest, input);
    assert.deepEqual(shown.says, []);
  });

  it('does not hide a description that is no description of the call', () => {
    assert.deepEqual(asked('mcp__mail__send', { description: 'x' }).rest, { description: 'x' });
    assert.deepEqual(
      asked('Edit', { file_path: 'a', old_string: 'b', new_string: 'c', replace_all: 'yes' }).rest,
      {
        replace_all: 'yes',
      },
    );
  });

  it('repeats no path as what is said about it', () => {
    const write = {
      tool_name: 'Write',
      input: { file_path: '/a/notes.txt', content: 'x' },
      description: 'notes.txt',
    };
    assert.deepEqual(readToolCall(write).says, []);
  });

  it('takes the server and the tool from the name of an MCP tool', () => {
    assert.deepEqual(asked('mcp__my_server__do__it', {}).call, {
      kind: 'mcp',
      server: 'my_server',
      tool: 'do__it',
    });
  });
});

describe('an address', () => {
  it('has a host that stands out', () => {
    assert.deepEqual(splitUrl('https://example.com:8443/a?b'), {
      before: 'https://',
      host: 'example.com:8443',
      after: '/a?b',
      goesTo: null,
    });
  });

  it('says where it goes when that is not what one reads', () => {
    assert.equal(splitUrl('https://example.com@evil.test/')?.goesTo, 'evil.test');
    assert.equal(splitUrl('https://exаmple.com/')?.goesTo, 'xn--exmple-4nf.com');
    assert.equal(splitUrl('https://evil.test\\@example.com/')?.goesTo, null);
    assert.equal(splitUrl('https://evil.test\\@example.com/')?.host, 'evil.test');
  });

  it('is none where none can be read', () => {
    assert.equal(splitUrl('not an address'), null);
    assert.equal(splitUrl('file:/etc/passwd'), null);
  });
});
