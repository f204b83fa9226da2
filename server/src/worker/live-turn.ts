import type { SessionRow } from '../session/store.ts';
import type { TurnError, TurnOutcome } from '../turn/turn.ts';
import type { LiveAgent } from './live-agent.ts';
import type { ResultMessage } from './outcome.ts';
import type { BegunTurn } from './store.ts';
import { TurnWatch } from './turn-watch.ts';

/** A turn while it runs here. */
export class LiveTurn {
  readonly id: string;
  /** As it was when the turn began, or its settings changed last. */
  session: SessionRow;
  readonly watch: TurnWatch;
  readonly ended = Promise.withResolvers<ResultMessage>();
  /** The process that runs it; null before that. */
  agent: LiveAgent | null = null;
  /** The process has the prompt. */
  isGiven = false;
  isStopped = false;
  /** The process has said its result: it may be at the next message by now. */
  hasResult = false;
  isParked = false;
  #failure: TurnError | null = null;

  constructor(
    { turn, session }: BegunTurn,
    watch: { stallMs: number; lastHeard: () => number; onExpire: () => void },
  ) {
    this.id = turn.id;
    this.session = session;
    const { timeout_s } = session.options;
    const limits = { stallMs: watch.stallMs, deadlineMs: timeout_s === undefined ? null : timeout_s * 1000 };
    this.watch = new TurnWatch(limits, watch.lastHeard, (error) => {
      this.#failure = error;
      watch.onExpire();
    });
    this.ended.promise.catch(() => {});
  }

  /** The turn's own result. */
  end(result: ResultMessage): void {
    this.hasResult = true;
    this.ended.resolve(result);
  }

  /** How the turn ended, with the reason that we had for ending it. */
  explain(outcome: TurnOutcome): TurnOutcome {
    const error = this.#failure ?? this.agent?.desk.endingOf(this.id) ?? null;
    return error === null ? outcome : { ...outcome, state: 'error', error };
  }
}
