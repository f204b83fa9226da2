import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readChecklist } from './checklist.ts';
import { exitCodeOf, withoutExitCode } from './exit-code.ts';
import { fileDiffOf } from './file-diff.ts';
import { readMatches } from './matches.ts';
import { outputParts, outputText, parsedJson } from './output.ts';
import { readQuestions } from './questions.ts';
import { oddValues, testCall } from './test-call.ts';
import { readToolName } from './tool-name.ts';

describe('what a tool gave', () => {
  it('is text, images of the model API and of MCP, and whatever else as JSON', () => {
    const odd = { type: 'resource', uri: 'javascript:alert(1)' };
    const parts = outputParts([
      { type: 'text', text: 'a' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } },
      { type: 'image', data: 'BBBB', mimeType: 'image/svg+xml' },
      odd,
    ]);
    assert.deepEqual(parts, [
      { kind: 'text', text: 'a' },
      { kind: 'image', base64: 'AAAA', mediaType: 'image/png' },
      { kind: 'image', base64: 'BBBB', mediaType: 'image/svg+xml' },
      { kind: 'json', value: odd },
    ]);
    assert.equal(outputText([{ type: 'text', text: 'a' }, odd, { type: 'text', text: 'b' }]), 'a\nb');
  });

  it('never fails to be read', () => {
    assert.equal(outputParts(oddValues).length, oddValues.length);
    for (const value of oddValues) {
      const call = testCall({
        details: value,
        input: { questions: value, todos: value, edits: value },
        output: [value],
      });
      for (const read of [readMatches, readChecklist, readQuestions, fileDiffOf, exitCodeOf]) {
        assert.doesNotThrow(() => read(call), `${read.name} ${String(JSON.stringify(value))}`);
      }
    }
  });

  it('is JSON only where all of it is', () => {
    assert.deepEqual(parsedJson(' {"a":1}'), { a: 1 });
    for (const text of ['{"a":', 'text', '1', '[x]', '']) assert.equal(parsedJson(text), undefined, text);
  });

  it('of a failed command says its exit code, once', () => {
    assert.equal(exitCodeOf(testCall({ state: 'failed', output: 'Exit code 127\nnot found' })), 127);
    assert.equal(exitCodeOf(testCall({ state: 'failed', output: 'it said: Exit code 1' })), null);
    assert.equal(withoutExitCode('Exit code 1\nExit code 2'), 'Exit code 2');
  });

  it('of a search is places, lines or files', () => {
    const grep = (details: unknown, output = ''): unknown =>
      readMatches(testCall({ name: 'Grep', details, output }));
    assert.deepEqual(grep({ content: 'src/a.ts:12:const x: number = 1\nsrc/b-1.ts-13-context\n--' }), [
      { path: 'src/a.ts', line: 12, text: 'const x: number = 1' },
      { path: 'src/b-1.ts', line: 13, text: 'context' },
      { path: '', line: null, text: '--' },
    ]);
    assert.deepEqual(grep({ filenames: ['a.ts', 7] }), [{ path: 'a.ts', line: null, text: '' }]);
    assert.deepEqual(grep(null, 'a.ts:1:x\n'), [{ path: 'a.ts', line: 1, text: 'x' }]);
    assert.deepEqual(grep({ filenames: [] }, 'No files found'), []);
  });

  it('of questions marks what was chosen, also of several, and of labels with commas', () => {
    const options = [{ label: 'Red, warm' }, { label: 'Red' }, { label: 'Blue' }];
    const input = { questions: [{ question: 'Which?', header: 'Colour', options }] };
    const chosen = (answers: unknown): unknown =>
      readQuestions(testCall({ input, details: { answers } }))[0]?.options.map(({ isChosen }) => isChosen);
    assert.deepEqual(chosen({ 'Which?': 'Red, warm, Blue' }), [true, false, true]);
    assert.deepEqual(chosen({ 'Which?': 'Red' }), [false, true, false]);
    assert.deepEqual(chosen({ 'Which?': 'my own words' }), [false, false, false]);
    assert.equal(readQuestions(testCall({ input, details: null }))[0]?.answer, null);
    assert.equal(
      readQuestions(testCall({ input: { questions: [{ question: 'constructor' }] } }))[0]?.answer,
      null,
    );
  });

  it('is of the server that its name says', () => {
    assert.deepEqual(readToolName('mcp__client__ask'), { server: 'client', tool: 'ask' });
    assert.deepEqual(readToolName('mcp__'), { server: null, tool: 'mcp__' });
    assert.deepEqual(readToolName('Bash'), { server: null, tool: 'Bash' });
  });

  it('of an edit that is not made yet is what it would change, without numbers', () => {
    const call = testCall({
      state: 'waiting',
      name: 'Edit',
      input: { file_path: 'a', old_string: 'x\ny', new_string: 'x\nz' },
    });
    const diff = fileDiffOf(call);
    assert.deepEqual([diff.added, diff.removed, diff.hasNumbers], [1, 1, false]);
  });
});
