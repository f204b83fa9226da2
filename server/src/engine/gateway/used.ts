import { noTokens } from '../../session/usage/tokens.ts';
import type { SettledFree, Used } from './accounts.ts';
import type { ModelRequest } from './model-request.ts';
import type { SeenUsage } from './usage-tap.ts';

/**
 * How a request ended: the answer reached its end; the agent went away, or lost its access; or the model API broke it
 * off, was silent for too long, or was never reached.
 */
export type Ending = 'whole' | 'left' | 'broken';

export type Course = {
  asked: ModelRequest;
  /** Null when there was no answer. */
  status: number | null;
  /** Null when nothing was seen of it. */
  seen: SeenUsage | null;
  ending: Ending;
  /** From the request to the end. */
  tookMs: number;
};

const BYTES_PER_TOKEN = 4;
/** What a model may have written in a second in which nothing could be seen of it. */
const UNSEEN_TOKENS_PER_SECOND = 100;

/**
 * What a request used. Where the answer does not say, that is an estimate: the prompt by its bytes, what was written by
 * what was seen of it. To an agent that went away while its model may have been writing unseen, the time counts as
 * well: it could not have had more, and leaving early must not make it free.
 */
export function usedBy(course: Course): Used | SettledFree {
  const { asked, status, seen } = course;
  if (isFree(course)) return { isFree: true, model: asked.model, upstreamStatus: status };
  const model = seen?.model ?? asked.model;
  const tokens = { ...(seen?.tokens ?? noTokens) };
  const { input, cacheRead, cacheWrite5m, cacheWrite1h } = tokens;
  const isPromptSaid = input + cacheRead + cacheWrite5m + cacheWrite1h > 0;
  if (!isPromptSaid) tokens.input = Math.ceil(asked.bytes.length / BYTES_PER_TOKEN);
  const isOutputSaid = saysOutput(course);
  if (!isOutputSaid)
    tokens.output = Math.max(tokens.output, Math.min(estimatedOutput(course), asked.maxTokens));
  return {
    model,
    tokens,
    others: seen?.others ?? [],
    isEstimated: !isPromptSaid || !isOutputSaid,
    upstreamStatus: status,
  };
}

/** The model API refused it, or never had it. */
function isFree({ status, seen, ending }: Course): boolean {
  if (status === null) return ending !== 'left';
  return status < 200 || status > 299 || seen?.isRefusal === true;
}

function saysOutput({ seen, ending }: Course): boolean {
  if (seen === null || !seen.isReadable) return false;
  return seen.isOutputSaid && (seen.isStopped || ending === 'whole');
}

function estimatedOutput({ asked, seen, ending, tookMs }: Course): number {
  const isUnread = seen !== null && (!seen.isReadable || (!seen.isBegun && ending === 'whole'));
  const seenBytes = isUnread ? seen.bodyBytes : (seen?.writtenBytes ?? 0);
  // A stream begins before its model writes.
  const unseenMs = asked.isStream ? (seen?.silentMs ?? 0) : tookMs;
  const unseen = ending === 'left' ? (unseenMs / 1000) * UNSEEN_TOKENS_PER_SECOND : 0;
  return Math.ceil(seenBytes / BYTES_PER_TOKEN + unseen);
}
