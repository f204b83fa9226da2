import type { GreenroomClient } from './client.ts';
import type { CreateOptions } from './http.ts';
import type { ExecuteRequest, StreamEvent, Turn } from './types.ts';

export type RunOptions = CreateOptions & {
  /** Also the pieces of messages while they are being written. */
  deltas?: boolean | undefined;
};

/** The turn as it ended; `state` says how. `text` is what the agent said last, null without a result. */
export type RunResult = Turn & { session_id: string; text: string | null };

type Started = {
  sessionId: string;
  turn: Turn;
  /** The `seq` before the turn's first event. */
  after: number;
};

/**
 * One prompt and what comes of it. It begins when it is made; reading its events and waiting for its result are
 * independent of each other, and neither has to be done for the turn to run.
 */
export class Run implements AsyncIterable<StreamEvent> {
  readonly #client: GreenroomClient;
  readonly #options: RunOptions;
  readonly #started: Promise<Started>;
  #hasEnded = false;
  #result: Promise<RunResult> | null = null;

  constructor(client: GreenroomClient, request: ExecuteRequest, options: RunOptions) {
    this.#client = client;
    this.#options = options;
    this.#started = start(client, request, options);
    // Whoever asks for anything is told; a run that nobody looks at must not end the program.
    this.#started.catch(() => {});
  }

  /** Known as soon as the server has accepted the prompt. */
  get sessionId(): Promise<string> {
    return this.#started.then(({ sessionId }) => sessionId);
  }

  /** Resolves when the turn has ended, in whatever state. */
  get result(): Promise<RunResult> {
    this.#result ??= this.#readResult();
    return this.#result;
  }

  /** The turn's events, from its prompt to its end. Leaving the loop, or aborting, leaves the turn running. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void> {
    const { sessionId, turn, after } = await this.#started;
    const { deltas, signal } = this.#options;
    for await (const event of this.#client.sessions.stream(sessionId, { after, deltas, signal })) {
      if (event.turn_id !== null && event.turn_id !== turn.turn_id) continue;
      this.#hasEnded ||= isEndOf(turn, event);
      yield event;
      if (this.#hasEnded) return;
    }
  }

  async #readResult(): Promise<RunResult> {
    const { sessionId, turn, after } = await this.#started;
    const { sessions } = this.#client;
    const { signal } = this.#options;
    if (!this.#hasEnded) {
      const events = sessions.stream(sessionId, { after, kinds: ['turn'], signal });
      for await (const event of events) if (isEndOf(turn, event)) break;
      signal?.throwIfAborted();
    }
    const ended = await first(sessions.turns(sessionId, { after: turn.number - 1, pageSize: 1 }, { signal }));
    return { ...ended, session_id: sessionId, text: ended.result?.text ?? null };
  }
}

async function start(
  client: GreenroomClient,
  request: ExecuteRequest,
  options: RunOptions,
): Promise<Started> {
  const { sessions } = client;
  const call = { signal: options.signal };
  const { resume_session_id: resumed, fork_session: isFork } = request;
  const isResumed = Boolean(resumed) && !isFork;
  const before = isResumed && resumed ? (await sessions.get(resumed, call)).last_seq : 0;
  const { session_id: sessionId } = await client.execute(request, options);
  const after = isFork ? ((await sessions.get(sessionId, call)).forked_at ?? 0) : before;
  const turn = await first(sessions.turns(sessionId, { order: 'desc', pageSize: 1 }, call));
  return { sessionId, turn, after };
}

function isEndOf(turn: Turn, event: StreamEvent): boolean {
  return event.kind === 'turn' && event.turn_id === turn.turn_id && event.data.phase === 'ended';
}

async function first(turns: AsyncIterable<Turn>): Promise<Turn> {
  for await (const turn of turns) return turn;
  throw new Error('the session has no such turn');
}
