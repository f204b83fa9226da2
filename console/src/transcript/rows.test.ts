import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Approval } from '@greenroom/client';
import { boundText } from '../log/bounded-text.ts';
import type { ToolCallState, TranscriptItem } from '../log/item.ts';
import { findItems } from './find.ts';
import { toRows, turnThatHides } from './rows.ts';

const placed = (key: string, turnId = 't1') => ({ key, seq: 1, at: 0, turnId });
const prompt = (key: string, state: 'started' | 'steered' = 'started'): TranscriptItem => ({
  ...placed(key),
  kind: 'prompt',
  text: `ask ${key}`,
  images: 0,
  state,
  delivery: 'queue',
  turn: 1,
});
const text = (key: string, words = `say ${key}`): TranscriptItem => ({
  ...placed(key),
  kind: 'text',
  text: words,
  isStreaming: false,
});
const tool = (key: string, state: ToolCallState = 'done', output: unknown[] = []): TranscriptItem => ({
  ...placed(key),
  kind: 'tool',
  call: {
    id: key,
    name: 'Bash',
    state,
    input: { command: `run ${key}` },
    inputText: '',
    output,
    details: null,
    startedAt: 0,
    endedAt: 1,
    parentId: null,
  },
});
const end = (key: string, state: 'completed' | 'error' = 'completed'): TranscriptItem => ({
  ...placed(key),
  kind: 'turn_end',
  turn: 1,
  state,
  error: state === 'error' ? { code: 'api_error', message: 'it broke' } : null,
  durationMs: 1,
  costUsd: 0,
});

function show(items: TranscriptItem[], isOpen = false): string[] {
  const byKey = new Map(items.map((item) => [item.key, item]));
  const rows = toRows(
    items.map((item) => item.key),
    (key) => byKey.get(key),
    () => isOpen,
  );
  return rows.map((row) => (row.kind === 'fold' ? `fold ${row.steps}/${row.failed}` : row.key));
}

describe('rows', () => {
  const turn = [prompt('p'), text('a'), tool('b'), tool('c', 'failed'), text('d'), end('e')];

  test('fold what a finished turn did, and leave its prompt and its last words', () => {
    assert.deepEqual(show(turn), ['p', 'fold 3/1', 'd']);
    assert.deepEqual(show(turn, true), ['p', 'fold 3/1', 'a', 'b', 'c', 'd']);
  });

  test('show everything of a turn that still runs', () => {
    assert.deepEqual(show(turn.slice(0, -1)), ['p', 'a', 'b', 'c', 'd']);
  });

  test('show a turn without steps as it is', () => {
    assert.deepEqual(show([prompt('p'), text('a'), end('e')]), ['p', 'a', 'e']);
  });

  test('hide no error, no steered prompt, and nothing twice', () => {
    const items = [prompt('p'), tool('a'), prompt('s', 'steered'), tool('b'), end('e', 'error')];
    assert.deepEqual(show(items), ['p', 'fold 3/0', 's', 'e']);
  });

  test('fold a turn whose beginning is on an older page', () => {
    assert.deepEqual(show([tool('b'), text('d'), end('e'), prompt('q')]), ['fold 1/0', 'd', 'q']);
  });

  test('leave out approvals that wait: they are shown where they are answered', () => {
    const approval = { status: 'pending' } as unknown as Approval;
    const item: TranscriptItem = { ...placed('x'), kind: 'approval', approval };
    assert.deepEqual(show([prompt('p'), item]), ['p']);
  });

  test('know which turn hides an item', () => {
    const byKey = new Map(turn.map((item) => [item.key, item]));
    const keys = [...byKey.keys()];
    assert.equal(
      turnThatHides('b', keys, (key) => byKey.get(key)),
      't1',
    );
    assert.equal(
      turnThatHides('b', keys.slice(0, -1), (key) => byKey.get(key)),
      null,
    );
  });
});

describe('finding', () => {
  const items = [
    prompt('p'),
    text('a', 'One (two) three.'),
    tool('b', 'done', [{ type: 'text', text: 'İstanbul two' }, { source: { type: 'base64', data: 'dHdv' } }]),
    end('e', 'error'),
  ];
  const byKey = new Map(items.map((item) => [item.key, item]));
  const find = (words: string): string[] => findItems([...byKey.keys()], (key) => byKey.get(key), words);

  test('looks into prompts, words, calls and errors, whatever the case', () => {
    assert.deepEqual(find('ASK'), ['p']);
    assert.deepEqual(find('two'), ['a', 'b']);
    assert.deepEqual(find('run b'), ['b']);
    assert.deepEqual(find('it broke'), ['e']);
  });

  test('takes the words as they are, and nothing for none', () => {
    assert.deepEqual(find('(two)'), ['a']);
    assert.deepEqual(find('.*'), []);
    assert.deepEqual(find(' '), []);
    assert.deepEqual(find('dHdv'), []);
  });
});

test('what stands far behind, or deep within, is found as well', () => {
  let deep: unknown = 'the innermost';
  for (let level = 0; level < 20_000; level += 1) deep = [deep];
  const long = tool('long', 'done', [{ type: 'text', text: `${'x'.repeat(2_000_000)} the end` }]);
  const nested = tool('nested', 'done', [deep]);
  const byKey = new Map([long, nested].map((item) => [item.key, item]));
  const find = (words: string): string[] => findItems([...byKey.keys()], (key) => byKey.get(key), words);
  assert.deepEqual(find('the end'), [long.key]);
  assert.deepEqual(find('the innermost'), [nested.key]);
});

describe('bounded text', () => {
  test('ends at so many characters or lines, and in no character', () => {
    assert.deepEqual(boundText('abc', { characters: 10, lines: 5 }), { shown: 'abc', left: 0 });
    assert.deepEqual(boundText('a\nb\nc', { characters: 10, lines: 2 }), { shown: 'a\nb', left: 2 });
    assert.deepEqual(boundText('ab😀', { characters: 3, lines: 2 }), { shown: 'ab', left: 2 });
    assert.equal(boundText('x'.repeat(1e6), { characters: 100, lines: 2 }).shown.length, 100);
  });
});
