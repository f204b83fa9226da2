import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SessionSummary } from '@greenroom/client';
import { AttentionWatch } from './attention.ts';

const session = (id: string, state: SessionSummary['state'], title: string | null = null) =>
  ({ session_id: id, state, title, prompt: `prompt of ${id}` }) as SessionSummary;

describe('what wants to be noticed', () => {
  it('is nothing at the first look, however many need somebody', () => {
    const watch = new AttentionWatch();
    assert.deepEqual(watch.look([session('a', 'needs_you'), session('b', 'working')]), []);
  });

  it('is each session that begins to need somebody, once, and each that gets done', () => {
    const watch = new AttentionWatch();
    watch.look([session('a', 'working'), session('b', 'working')]);
    const news = [session('a', 'needs_you', 'mine'), session('b', 'unread')];
    assert.deepEqual(watch.look(news), [
      { sessionId: 'a', why: 'needs_you', title: 'mine' },
      { sessionId: 'b', why: 'done', title: 'prompt of b' },
    ]);
    assert.deepEqual(watch.look(news), []);
  });

  it('is not what was read elsewhere, was marked unread by hand, or is gone', () => {
    const watch = new AttentionWatch();
    watch.look([session('a', 'unread'), session('b', 'idle'), session('c', 'needs_you')]);
    assert.deepEqual(watch.look([session('a', 'idle'), session('b', 'unread')]), []);
  });
});
