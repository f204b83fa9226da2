import { GreenroomConnectionError, GreenroomError, type Turn } from '@greenroom/client';
import { client } from '../api/client.ts';
import { reasonOf } from '../api/describe-error.ts';
import { queryClient } from '../api/query-client.ts';
import { serverNow } from '../api/server-clock.ts';
import { say } from '../i18n/locale.ts';
import { live } from '../live/live.ts';
import { toasts } from '../ui/toast.tsx';
import { randomKey } from '../util/random-key.ts';
import { type Act, deliveryOf, type SentAs } from './act.ts';
import { drafts, edited, kept, namedImages, outgoing, putIntoDraft, sendDraft } from './drafts.ts';
import { forgetImages, forgetOtherImages, imageData } from './image-store.ts';
import { dropKept, settle, stopAndKeep } from './kept.ts';
import { Outbox } from './outbox.ts';

/* The composer's acts on the server. */

export const outbox = new Outbox({
  send: async (sessionId, message, key) =>
    await client.sessions.messages.send(sessionId, message, { idempotencyKey: key }),
  readTurn: async (sessionId, turnId) => await client.sessions.turn(sessionId, turnId),
  imageData,
  isPassing,
  onSent: (sessionId, { images, key }, turn) => {
    forgetImages(images);
    dropKept(sessionId, [key]);
    noteQueued(sessionId, turn);
  },
  now: serverNow,
});

function isPassing(error: unknown): boolean {
  if (error instanceof GreenroomConnectionError) return true;
  if (!(error instanceof GreenroomError)) return false;
  const { status, code } = error;
  if (status >= 500 || [401, 408, 429].includes(status)) return true;
  return code === 'idempotency_in_flight' || code === 'unexpected_answer';
}

/** Shown at once: a message that was sent does not wait for the stream. */
function noteQueued(sessionId: string, turn: Turn): void {
  queryClient.setQueryData<Turn[]>(['messages', sessionId], (queue) => {
    if (queue === undefined || queue.some(({ turn_id }) => turn_id === turn.turn_id)) return queue;
    return turn.state === 'queued' ? [...queue, turn] : queue;
  });
  for (const name of ['messages', 'session']) {
    void queryClient.invalidateQueries({ queryKey: [name, sessionId] });
  }
}

/** Sends what is in the text area. */
export function sendAs(sessionId: string, act: Act): void {
  const message = sendDraft(sessionId, { delivery: deliveryOf(act), now: serverNow(), newKey: randomKey });
  if (message !== null) void outbox.run(sessionId);
}

/** Back into the text area, to be changed. */
export function takeIntoDraft(sessionId: string, key: string): void {
  const { name } = outbox.stateOf(key);
  const message = outgoing.get(sessionId).find((other) => other.key === key);
  if (message === undefined || name === 'sending') return;
  const { text, images, delivery } = message;
  const attempt = { key, delivery, text, images: images.map(({ id }) => id).join(' ') };
  putIntoDraft(sessionId, { text, images, attempt: name === 'unsent' ? attempt : null });
  outbox.take(sessionId, key);
}

export function throwAway(sessionId: string, key: string): void {
  const message = outbox.take(sessionId, key);
  if (message !== null) forgetImages(message.images);
}

/** Sends what was kept, in its order. It leaves the list when it has arrived. */
export function sendKept(sessionId: string, keys: readonly string[], delivery: SentAs): void {
  const chosen = kept.get(sessionId).filter((entry) => entry.isSettled && keys.includes(entry.key));
  const messages = chosen.map(({ key, text, turnId, images }) => ({
    key,
    text,
    images: [],
    delivery,
    at: serverNow(),
    turnId: images > 0 ? turnId : null,
  }));
  outgoing.change(sessionId, (list) => [
    ...list,
    ...messages.filter(({ key }) => list.every((other) => other.key !== key)),
  ]);
  dropKept(sessionId, keys);
  void outbox.run(sessionId);
}

/** Ends what runs and what waits, and keeps what waited. */
export async function stopSession(
  sessionId: string,
  how: 'interrupt' | 'cancel' = 'interrupt',
): Promise<void> {
  try {
    const count = await stopAndKeep(sessionId, {
      listQueue: async () => await client.sessions.messages.list(sessionId),
      stop: async () => {
        if (how === 'interrupt') return await client.sessions.interrupt(sessionId, { queued: 'discard' });
        await client.sessions.cancel(sessionId);
        return { discarded: [] };
      },
      readTurn: async (turnId) => await client.sessions.turn(sessionId, turnId),
      isOver: (error) => error instanceof GreenroomError && error.code === 'session_not_running',
    });
    if (count > 0) toasts.add({ title: say('composer.kept.toast', { count }) });
  } catch (error) {
    sayFailure('composer.stopFailed', error);
  }
  for (const name of ['messages', 'session', 'turns']) {
    void queryClient.invalidateQueries({ queryKey: [name, sessionId] });
  }
}

/** What became of messages that were in the queue when a tab was closed during a stop. */
export async function settleKept(sessionId: string): Promise<void> {
  try {
    await settle(sessionId, { readTurn: async (turnId) => await client.sessions.turn(sessionId, turnId) });
  } catch (error) {
    // It is asked again with the next news of the session, or when the page is opened the next time.
    if (!isPassing(error)) sayFailure('composer.kept.failed', error);
  }
}

export function sayFailure(title: Parameters<typeof say>[0], error: unknown): void {
  toasts.add({ title: say(title), description: reasonOf(error), type: 'error' });
}

for (const stored of [drafts, outgoing, kept, edited]) stored.follow();
forgetOtherImages(namedImages());

/** The session's page is open: what was left is sent, now and whenever the server is back. */
export function watchOutbox(sessionId: string): () => void {
  const resume = (): void => {
    if (live.state.get().name === 'live') void outbox.resume(sessionId);
  };
  void outbox.resume(sessionId);
  return live.state.subscribe(resume);
}
