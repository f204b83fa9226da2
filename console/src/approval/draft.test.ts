import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emptyDraft, wordsOf } from './draft.ts';

describe('the words of a draft', () => {
  it('are all that somebody wrote, once each', () => {
    const draft = {
      ...emptyDraft,
      reason: ' not today ',
      choices: [
        { picked: [0], other: 'green' },
        { picked: [1], other: null },
      ],
      unsent: { act: 'deny' as const, message: 'not today' },
    };
    assert.equal(wordsOf(draft), 'not today\n\ngreen');
    assert.equal(wordsOf(emptyDraft), '');
  });
});
