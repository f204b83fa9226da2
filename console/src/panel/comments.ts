import { KeyedStore, useKeyed } from '../util/keyed-store.ts';
import { randomKey } from '../util/random-key.ts';
import { remember, remembered } from '../util/remembered.ts';

/** A remark on a line of a diff. It keeps the line's text: the file may change before it is sent. */
export type LineComment = {
  id: string;
  path: string;
  side: 'old' | 'new';
  line: number;
  lineText: string;
  text: string;
};

/*
 * Remarks are collected, survive a reload, and go to the agent as one message.
 */

const storageKey = (sessionId: string): string => `greenroom.comments.${sessionId}`;
const store = new KeyedStore<readonly LineComment[]>();
const NONE: readonly LineComment[] = [];

function commentsOf(sessionId: string): readonly LineComment[] {
  const known = store.get(sessionId);
  if (known !== undefined) return known;
  const found = remembered<LineComment[]>(storageKey(sessionId));
  const kept = Array.isArray(found) ? found : NONE;
  store.set(sessionId, kept);
  return kept;
}

export function useComments(sessionId: string): readonly LineComment[] {
  commentsOf(sessionId);
  return useKeyed(store, sessionId) ?? NONE;
}

export function addComment(sessionId: string, comment: Omit<LineComment, 'id'>): void {
  change(sessionId, [...commentsOf(sessionId), { ...comment, id: randomKey() }]);
}

export function editComment(sessionId: string, id: string, text: string): void {
  change(
    sessionId,
    commentsOf(sessionId).map((comment) => (comment.id === id ? { ...comment, text } : comment)),
  );
}

export function removeComments(sessionId: string, ids: ReadonlySet<string>): void {
  change(
    sessionId,
    commentsOf(sessionId).filter((comment) => !ids.has(comment.id)),
  );
}

function change(sessionId: string, comments: readonly LineComment[]): void {
  store.set(sessionId, comments);
  remember(storageKey(sessionId), comments.length === 0 ? null : comments);
}
