import { GreenroomConnectionError, GreenroomError } from '@greenroom/client';
import { say, type Translate } from '../i18n/locale.ts';

export type ErrorWords = { says: string; hint: string | null };

/** What went wrong, for people: in the server's words where the server says it, else in ours. */
export function describeError(error: unknown, t: Translate = say): ErrorWords {
  // What browsers say of it is English, and tells nothing.
  if (error instanceof GreenroomConnectionError) return { says: t('error.unreachable'), hint: null };
  if (!(error instanceof GreenroomError)) {
    return { says: error instanceof Error ? error.message : String(error), hint: null };
  }
  const { status, code, detail, hint, retryAfterMs } = error;
  // A proxy's page is written for nobody who is here.
  if (code === 'unexpected_answer') return { says: t('error.unexpected', { status }), hint: null };
  const later =
    retryAfterMs === undefined ? [] : [t('error.retryAfter', { count: Math.ceil(retryAfterMs / 1_000) })];
  return { says: detail, hint: [...(hint === undefined ? [] : [hint]), ...later].join(' ') || null };
}

/** In one piece, for where there is room for no more. */
export function reasonOf(error: unknown): string {
  const { says, hint } = describeError(error);
  return hint === null ? says : `${says} ${hint}`;
}
