import type { Tokens } from '../../session/usage/tokens.ts';
import type { Extent } from './price-list.ts';

/** A model request before it is made. */
export type AskedRequest = {
  sessionId: string;
  fence: number;
  model: string;
  extent: Extent;
};

/** Whether an activation is its session's newest, and no budget of it is spent. */
export type Standing = { verdict: 'good' } | { verdict: 'stale' } | { verdict: 'exceeded'; message: string };

export type Admission =
  | { verdict: 'admitted'; requestId: string }
  /** The session is active elsewhere, or gone. */
  | { verdict: 'stale' }
  /** A budget is spent. */
  | { verdict: 'exceeded'; message: string }
  /** What is under way may use a budget up, and did not end in time. */
  | { verdict: 'busy' };

/** What an answer said of its cost. */
export type Used = {
  model: string;
  tokens: Tokens;
  /** Of other models that were asked for the same answer. */
  others?: readonly { model: string; tokens: Tokens }[];
  /** The answer was cut off: it did not say everything. */
  isEstimated: boolean;
  upstreamStatus: number | null;
};

/** Who decides whether a model request may be made, and is told what it used. */
export type Accounts = {
  standing(client: { sessionId: string; fence: number }): Promise<Standing>;
  /** May take long: near a budget's end, requests wait for each other. */
  admit(request: AskedRequest, signal: AbortSignal): Promise<Admission>;
  /** Returns at once; whoever has to know that it is written down waits for `settled`. */
  settle(request: { sessionId: string; requestId: string }, used: Used | SettledFree): void;
  /** When all that was settled for a session is written down. */
  settled(sessionId: string): Promise<void>;
};

/** The model API refused the request, or never had it. */
export type SettledFree = { isFree: true; model: string; upstreamStatus: number | null };
