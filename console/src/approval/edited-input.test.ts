import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { buildInput, editedField, textToEdit } from './edited-input.ts';

const bash = { tool_name: 'Bash', input: { command: 'ls', timeout: 5 } };
const mcp = { tool_name: 'mcp__mail__send', input: { to: 'a' } };

describe('the input of a call, edited', () => {
  it('keeps what was not edited', () => {
    assert.deepEqual(buildInput(bash, 'ls -l'), { input: { command: 'ls -l', timeout: 5 } });
  });

  it('is the command of Bash, the text of Write and Edit, and JSON of all others', () => {
    assert.equal(editedField({ tool_name: 'Edit', input: { new_string: 'x' } }), 'new_string');
    assert.equal(textToEdit({ tool_name: 'Write', input: { content: 'x' } }), 'x');
    assert.equal(editedField(mcp), null);
    assert.equal(textToEdit(mcp), '{\n  "to": "a"\n}');
    assert.equal(editedField({ tool_name: 'constructor', input: {} }), null);
    assert.equal(editedField({ tool_name: 'Bash', input: { command: 1 } }), null);
  });

  it('is no edit while it says the same', () => {
    assert.deepEqual(buildInput(bash, 'ls'), { problem: 'unchanged' });
    assert.deepEqual(buildInput(mcp, '{"to":"a"}'), { problem: 'unchanged' });
  });

  it('may write an empty file, and runs no empty command', () => {
    assert.deepEqual(buildInput({ tool_name: 'Write', input: { content: 'x' } }, ''), {
      input: { content: '' },
    });
    assert.deepEqual(buildInput(bash, ' '), { problem: 'empty' });
    assert.deepEqual(buildInput(mcp, '{}'), { problem: 'empty' });
  });

  it('says at once what is no JSON, and no object', () => {
    assert.equal('problem' in buildInput(mcp, '{"to":') && 'detail' in buildInput(mcp, '{"to":'), true);
    assert.deepEqual(buildInput(mcp, '[1]'), { problem: 'shape' });
    assert.deepEqual(buildInput(mcp, 'null'), { problem: 'shape' });
  });
});
