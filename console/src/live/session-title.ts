import type { SessionSummary } from '@greenroom/client';
import { markInvisible } from '../content/invisible.ts';

/** What a session is called: what its people call it, or how its first prompt begins; null when there is neither. */
export function titleOf({ title, prompt }: Pick<SessionSummary, 'title' | 'prompt'>): string | null {
  const found = [title, prompt].find((text) => text !== null && text.trim() !== '');
  return found === undefined || found === null ? null : markInvisible(found);
}

/** The part of an id that is the time: it tells those apart that began in different milliseconds, and can be searched for. */
export function shortId(sessionId: string): string {
  return sessionId.slice(0, 13);
}

/** `claude-sonnet-5` is `sonnet-5` where room is scarce. */
export function shortModel(model: string): string {
  return model.replace(/^claude-/, '');
}
