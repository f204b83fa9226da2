import { rememberedKeys } from '../util/remembered.ts';
import { Stored } from '../util/stored.ts';
import type { SentAs } from './act.ts';
import type { ImageRef } from './image-store.ts';

/* What somebody has written and no agent has got: of each session, and kept until it is sent or thrown away. */

/** What is in the text area. */
export type Draft = {
  text: string;
  images: readonly ImageRef[];
  /** It was sent so once, and nobody knows whether it came: sent the same again it arrives once. */
  attempt: { key: string; delivery: SentAs; text: string; images: string } | null;
};

/** On its way to the server, or on its way back. Its key makes that it arrives once, however often it is sent. */
export type Outgoing = {
  key: string;
  text: string;
  images: readonly ImageRef[];
  /** A turn that was taken back, and whose images are sent again. */
  turnId: string | null;
  delivery: SentAs;
  at: number;
};

/** Was in the queue when somebody stopped the session. */
export type Kept = {
  key: string;
  /** Null for a text that was never sent. */
  turnId: string | null;
  text: string;
  images: number;
  delivery: SentAs;
  /** Whether the server has said that it was taken back: until then it may still wait, or run. */
  isSettled: boolean;
};

/** A queued message that is being edited. */
export type Editing = { turnId: string; before: string; text: string } | null;

export const emptyDraft: Draft = { text: '', images: [], attempt: null };

export const drafts = new Stored<Draft>('greenroom.draft.', (value) => {
  if (!isObject(value)) return emptyDraft;
  const draft: Draft = { ...emptyDraft, ...value };
  return typeof draft.text === 'string' && Array.isArray(draft.images) ? draft : emptyDraft;
});
export const outgoing = new Stored<readonly Outgoing[]>('greenroom.outgoing.', (value) =>
  readList<Outgoing>(value, ({ key, text, images }) => isText(key) && isText(text) && Array.isArray(images)),
);
export const kept = new Stored<readonly Kept[]>('greenroom.kept.', (value) =>
  readList<Kept>(value, ({ key, text }) => isText(key) && isText(text)),
);
export const edited = new Stored<Editing>('greenroom.editing.', (value) =>
  isObject(value) && 'text' in value && isText(value.text) ? (value as NonNullable<Editing>) : null,
);

const nothing: readonly never[] = [];

/** Other versions of the console may have kept something else under the name. */
function readList<T>(value: unknown, isOne: (fields: Partial<T>) => boolean): readonly T[] {
  const found = Array.isArray(value) ? value.filter((entry) => isObject(entry) && isOne(entry)) : [];
  return found.length > 0 ? found : nothing;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function changeDraft(sessionId: string, change: Partial<Draft>): void {
  drafts.change(sessionId, (draft) => {
    const after = { ...draft, ...change };
    return after.text === '' && after.images.length === 0 ? null : after;
  });
}

/** Behind what is written there already. */
export function putIntoDraft(
  sessionId: string,
  { text, images, attempt }: { text: string; images: readonly ImageRef[]; attempt: Draft['attempt'] },
): void {
  const draft = drafts.get(sessionId);
  const isEmpty = draft.text.trim() === '' && draft.images.length === 0;
  changeDraft(sessionId, {
    text: isEmpty ? text : `${draft.text.trimEnd()}\n\n${text}`,
    images: [...draft.images, ...images],
    attempt: isEmpty ? attempt : null,
  });
}

/** Moved on to be sent: first into the one place, then out of the other, so that nothing is ever in none. */
export function sendDraft(
  sessionId: string,
  { delivery, now, newKey }: { delivery: SentAs; now: number; newKey: () => string },
): Outgoing | null {
  const { text, images, attempt } = drafts.get(sessionId);
  if (text.trim() === '' && images.length === 0) return null;
  const isSame =
    attempt !== null &&
    attempt.delivery === delivery &&
    attempt.text === text &&
    attempt.images === namesOf(images);
  const message = { key: isSame ? attempt.key : newKey(), text, images, turnId: null, delivery, at: now };
  outgoing.change(sessionId, (list) => [...list, message]);
  drafts.change(sessionId, () => null);
  return message;
}

export function namesOf(images: readonly ImageRef[]): string {
  return images.map(({ id }) => id).join(' ');
}

/** All images that something names, of all sessions. */
export function namedImages(): Set<string> {
  const named = new Set<string>();
  for (const key of rememberedKeys('greenroom.')) {
    const id = /^greenroom\.(draft|outgoing)\.(.+)$/.exec(key)?.[2];
    if (id === undefined) continue;
    const lists = [drafts.get(id), ...outgoing.get(id)];
    for (const image of lists.flatMap(({ images }) => images)) named.add(image.id);
  }
  return named;
}

export function forgetSession(sessionId: string): void {
  for (const stored of [drafts, outgoing, kept, edited]) stored.change(sessionId, () => null);
}
