import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { signOf } from './activity.ts';
import type { EventBody } from './event.ts';

const said = (content: unknown, model: unknown = 'claude-x'): EventBody =>
  ({ kind: 'sdk', data: { type: 'assistant', message: { model, content } } }) as EventBody;
const activityOf = (content: unknown) => signOf(said(content)).activity;
const call = (name: string, input: unknown) => ({ type: 'tool_use', name, input });

describe('what an agent does', () => {
  it('is the call that it made last, by what is telling of it', () => {
    assert.deepEqual(activityOf([call('Bash', { description: 'Look', command: 'ls\n-l' })]), {
      tool: 'Bash',
      text: 'ls -l',
    });
    assert.deepEqual(activityOf([call('Edit', { old_string: 'a', file_path: '/w/a.ts' })]), {
      tool: 'Edit',
      text: '/w/a.ts',
    });
    assert.deepEqual(activityOf([call('mcp__x__y', { deep: {}, word: 'hello' })]), {
      tool: 'mcp__x__y',
      text: 'hello',
    });
    assert.deepEqual(activityOf([{ type: 'text', text: 'Now' }, call('Wait', {})]), {
      tool: 'Wait',
      text: '',
    });
  });

  it('is the beginning of what it says', () => {
    const activity = activityOf([
      { type: 'text', text: `Hello\n\n${'world '.repeat(1000)}` },
      { type: 'text', text: ' ' },
    ]);
    assert.equal(activity?.tool, null);
    assert.match(activity?.text ?? '', /^Hello world world .*…$/);
    assert.equal(activity?.text.length, 160);
  });

  it('stays what it was after a message that shows nothing, whatever that is made of', () => {
    const shapes = [null, 'text', 7, [], [null], [7], [{ type: 'thinking', thinking: 'Hm' }], [{}]];
    for (const content of [...shapes, [{ type: 'text' }], [{ type: 'tool_use' }]]) {
      assert.equal(activityOf(content), null, JSON.stringify(content));
    }
    for (const data of [{ type: 'user' }, { type: 'assistant' }, { type: 'assistant', message: null }]) {
      assert.deepEqual(signOf({ kind: 'sdk', data }), { activity: null, model: null });
    }
    assert.deepEqual(activityOf([call('Bash', null)]), { tool: 'Bash', text: '' });
  });

  it('names the model that answered, unless none did', () => {
    assert.equal(signOf(said([])).model, 'claude-x');
    for (const model of ['<synthetic>', '', ' ', null, 7, undefined]) {
      if (model !== undefined) assert.equal(signOf(said([], model)).model, null, String(model));
    }
  });
});
