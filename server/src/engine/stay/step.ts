import type { TurnError } from '../../session/turn/turn.ts';
import type { AgentMessage } from '../agent/agent-process.ts';
import { joinResults, type ResultMessage } from '../hold/outcome.ts';
import type { Word } from './word.ts';

/*
 * What a session's stay on this worker does next: a pure function of how it stands and of what has happened. The stay
 * (stay.ts) feeds it, one input after the other, and carries out what it says. All states are in this one file, long as it is: what
 * one leaves, another relies on.
 *
 * Three rules stand behind it.
 *
 * - A turn is a stretch. It begins with the message that wakes an agent at rest, or when an agent at rest begins by
 *   itself, and ends when the agent is at rest again. Whatever was given to the agent or began by itself in between belongs
 *   to it, with a result of its own or without.
 * - Account, then hand over. The agent gets a message only after the transaction that says whose it is. The only way back
 *   is the agent's own word that it never read it.
 * - After the end of a process its stored transcript says what it has read (continuation.ts).
 *
 *   claiming ──▶ choosing ──▶ starting ──▶ working ◀──▶ asking
 *                  │  ▲          │           │  │  │        │
 *                  │  └──────────┴───────────┘  │  └────────┴──▶ parking ──▶ choosing
 *                  ▼                            └──▶ stopping ──▶ choosing
 *                idle ──▶ choosing · working          idle, choosing ──▶ releasing ──▶ choosing · ended
 *
 * - claiming: the session is not ours yet.
 * - choosing: no turn runs here; the database is being asked for one. Left within the same input.
 * - idle: there is none. The agent is at rest, its process is kept for the next one.
 * - starting: a turn has begun, and waits for an agent that has its options: the one that is there, or a new one.
 * - working: the agent has the turn. It may not have begun it yet (`isBegun`): until then its rest is that of something
 *   before. When the session is to leave, the agent's next request to the model is held back (`isHeld`): there the turn can
 *   go on in another process, and nothing runs twice.
 * - asking: all that the turn does is wait for a person: it may give its process up.
 * - stopping: the agent was told to end the turn, by an interrupt or by the end of its process. Nothing is given to it.
 * - parking: the process is being ended, or has ended, and the turn goes on in another one: here, or where the session is
 *   claimed next.
 * - releasing: the process ends, if there is one; then the session is given up, unless something came meanwhile.
 * - ended: the session is no longer ours.
 */

/** An agent process, as far as it matters here. */
export type Agent = {
  /** Subagents that work in the background, by the ids of their tasks: no turn ends before them. */
  agents: readonly string[];
  /** Commands and the like that go on in the background. */
  others: number;
  /** What the task that ended last in the background said. */
  notice: string;
};

/**
 * A turn that has begun in the database; `promptId` is null where the agent is to get no prompt. `goesOn`: in another
 * process, when its own is cut off.
 */
export type Turn = { id: string; promptId: string | null; goesOn: boolean };

/** A turn that an agent has. */
export type Run = {
  turn: Turn;
  agent: Agent;
  isBegun: boolean;
  /** Messages that became part of the turn and that the agent has not begun, by their ids. */
  unread: readonly string[];
  /** What the agent's results say so far, taken together. */
  result: ResultMessage | null;
  /** The agent has said its result, and rests when its subagents have ended. */
  awaitsTasks: boolean;
  /** Why the turn fails, whatever its agent says. */
  failure: TurnError | null;
  /** A request to the model waits until the calls before it have their results: then the turn leaves. */
  isHeld: boolean;
};

/**
 * Why a turn is to go on in another process: it waits for an `answer`, or its session makes `room`, or its server stops
 * (`server`): at a boundary, where nothing is under way. Or it is cut off: by its server's stop (`cut`), since the process
 * died (`crash`), or since the process was to go on and says nothing (`silence`).
 */
export type Parting = 'answer' | 'room' | 'server' | 'cut' | 'crash' | 'silence';

export type Stay =
  | { at: 'claiming' }
  | { at: 'choosing'; agent: Agent | null }
  | { at: 'idle'; agent: Agent }
  | { at: 'starting'; turn: Turn; agent: Agent | null; isStopped: boolean; failure: TurnError | null }
  | ({ at: 'working' | 'asking' | 'stopping' } & Run)
  | { at: 'parking'; turn: Turn; why: Parting }
  | { at: 'releasing'; hasAgent: boolean }
  | { at: 'ended' };

/**
 * `room`: the session makes room for another one. `drain`: its server stops, no turn begins any more and those that run go
 * on elsewhere from their next request. `hurry`: at once.
 */
export type Leaving = 'no' | 'room' | 'drain' | 'hurry';
export type State = { stay: Stay; leaving: Leaving };

export type TimerName = 'idle' | 'park' | 'interrupt' | 'hold' | 'silence';

export type Input =
  | { type: 'claimed' }
  /** The session is gone, or has nothing to do. */
  | { type: 'unclaimed' }
  | { type: 'chosen'; turn: Turn }
  | { type: 'nothing' }
  /** The turn has its agent, or cannot have one. */
  | { type: 'seated' }
  | { type: 'unseated'; error: unknown; isLasting: boolean }
  | { type: 'said'; word: Word; message: AgentMessage }
  /** Nothing more comes from the process. `isLasting` (of `unseated` as well): another one would fare like it. */
  | { type: 'gone'; error: unknown; isLasting: boolean }
  /** A request of the main agent to the model is held back. `owes`: the session may have to make room. */
  | { type: 'asks'; calls: number; owes: boolean }
  /** The agent is given these. */
  | { type: 'handed'; ids: readonly string[] }
  /** The prompt, under another id. */
  | { type: 'given_again'; promptId: string }
  | { type: 'woken'; turn: Turn }
  | { type: 'released'; to: 'nobody' | 'queue' | 'input' }
  | { type: 'queued' }
  | { type: 'stop'; turnId: string }
  | { type: 'expired'; turnId: string; error: TurnError }
  /** An answer, or the lack of one, says that the turn is to fail. */
  | { type: 'failed'; error: TurnError }
  /** Whether anybody waits for a person, whether that is all that the turn does, and how many calls have no result. */
  | { type: 'waiting'; any: boolean; only: boolean; calls: number }
  | { type: 'timer'; name: TimerName }
  | { type: 'evict' }
  | { type: 'leave'; how: 'drain' | 'hurry' };

export type TurnEnd =
  | { by: 'result'; result: ResultMessage }
  /** The agent rests without having said a result. */
  | { by: 'silence' }
  /** Its process ended, or could not be started. */
  | { by: 'crash'; error: unknown }
  /** It was stopped before its agent had it. */
  | { by: 'stop' };

export type Effect =
  /** Gives `chosen` or `nothing`. */
  | { do: 'choose' }
  /** Gives `seated` or `unseated`, later. */
  | { do: 'seat'; turn: Turn }
  | { do: 'give_prompt' }
  /** The prompt came back unread, without anybody having stopped its turn. Gives `given_again`. */
  | { do: 'give_again' }
  /** Messages that steer become part of the turn, and go to its agent. Gives `handed`. */
  | { do: 'hand_over' }
  | { do: 'put_back'; messageId: string }
  /** Before anything else of what it says then. */
  | { do: 'note_read'; messageId: string }
  /** The agent begins a turn by itself. Gives `woken`. */
  | { do: 'wake'; notice: string }
  | { do: 'log'; message: AgentMessage }
  | { do: 'show_tasks'; awaits: boolean }
  | { do: 'watch'; runs: boolean }
  | { do: 'set_timer'; name: TimerName }
  | { do: 'clear_timer'; name: TimerName }
  | { do: 'interrupt'; agents: readonly string[] }
  /** Then `gone` comes. */
  | { do: 'end_agent'; how: 'close' | 'kill' | 'park' }
  | { do: 'finish'; end: TurnEnd; failure: TurnError | null }
  /** The turn is left as it is; the process has ended. */
  | { do: 'park'; why: Parting; error: unknown }
  /** The request that is held back goes to the model. */
  | { do: 'forward' }
  /** Gives `released`. */
  | { do: 'release' };

export type Step = { state: State; effects: Effect[] };

export const initialState: State = { stay: { at: 'claiming' }, leaving: 'no' };
export const newAgent: Agent = { agents: [], others: 0, notice: '' };

export function step(state: State, input: Input): Step {
  if (input.type === 'leave') {
    // Whoever is in a hurry stays so.
    const how = state.leaving === 'hurry' ? 'hurry' : input.how;
    return leave({ ...state, leaving: how }, how);
  }
  const { stay } = state;
  switch (stay.at) {
    case 'claiming':
      return whileClaiming(state, input);
    case 'choosing':
      return whileChoosing(state, stay, input);
    case 'idle':
      return whileIdle(state, stay, input);
    case 'starting':
      return whileStarting(state, stay, input);
    case 'working':
    case 'asking':
    case 'stopping':
      return whileRunning(state, stay, input);
    case 'parking':
      return whileParking(state, stay, input);
    case 'releasing':
      return whileReleasing(state, stay, input);
    case 'ended':
      return same(state);
    default:
      return stay satisfies never;
  }
}

type At<Name extends Stay['at']> = Extract<Stay, { at: Name }>;
type Running = { at: 'working' | 'asking' | 'stopping' } & Run;

function same(state: State, ...effects: Effect[]): Step {
  return { state, effects };
}

function to(state: State, stay: Stay, ...effects: Effect[]): Step {
  return { state: { ...state, stay }, effects };
}

/** No turn runs here (any more): the next one, if one may begin. */
function choose(state: State, agent: Agent | null, ...before: Effect[]): Step {
  if (state.leaving !== 'no') return release(state, agent, ...before);
  return to(state, { at: 'choosing', agent }, ...before, { do: 'choose' });
}

function release(state: State, agent: Agent | null, ...before: Effect[]): Step {
  const last: Effect = agent === null ? { do: 'release' } : { do: 'end_agent', how: 'close' };
  return to(state, { at: 'releasing', hasAgent: agent !== null }, ...before, last);
}

// --- without a turn

function whileClaiming(state: State, input: Input): Step {
  if (input.type === 'unclaimed') return to(state, { at: 'ended' });
  return input.type === 'claimed' ? choose(state, null) : same(state);
}

function whileChoosing(state: State, { agent }: At<'choosing'>, input: Input): Step {
  if (input.type === 'chosen') {
    const { turn } = input;
    const starting = { turn, agent, isStopped: false, failure: null };
    return to(state, { at: 'starting', ...starting }, { do: 'watch', runs: true }, { do: 'seat', turn });
  }
  if (input.type !== 'nothing') return same(state);
  if (agent === null) return release(state, null);
  return to(state, { at: 'idle', agent }, { do: 'set_timer', name: 'idle' });
}

function whileIdle(state: State, stay: At<'idle'>, input: Input): Step {
  const { agent } = stay;
  const rise: Effect = { do: 'clear_timer', name: 'idle' };
  switch (input.type) {
    case 'queued':
      return choose(state, agent, rise);
    case 'timer':
      return input.name === 'idle' ? release(state, agent) : same(state);
    case 'evict':
      return release(state, agent, rise);
    case 'gone':
      return release(state, null, rise);
    case 'woken': {
      const run = { ...newRun(input.turn, { ...agent, notice: '' }), isBegun: true };
      return to(state, { at: 'working', ...run }, { do: 'watch', runs: true }, { do: 'hand_over' });
    }
    case 'asks':
      return same(state, forward);
    case 'said':
      return hearIdle(state, stay, input);
    default:
      return same(state);
  }
}

function hearIdle(state: State, stay: At<'idle'>, { word, message }: Extract<Input, { type: 'said' }>): Step {
  const log: Effect = { do: 'log', message };
  if (word.is === 'begins') {
    const { notice } = stay.agent;
    return same(state, { do: 'clear_timer', name: 'idle' }, { do: 'wake', notice }, log);
  }
  // It begins a message that it should not have: only its end keeps that from being run.
  if (word.is === 'takes') return same(state, log, { do: 'end_agent', how: 'kill' });
  const agent = hear(stay.agent, word);
  if (agent === stay.agent) return same(state, log);
  // It may be kept for less long now, or for longer.
  return to(state, { ...stay, agent }, log, { do: 'set_timer', name: 'idle' });
}

function hear(agent: Agent, word: Word): Agent {
  if (word.is === 'tasks') return { ...agent, agents: word.agents, others: word.others };
  return word.is === 'notice' ? { ...agent, notice: word.text } : agent;
}

// --- with a turn that has no agent yet

function whileStarting(state: State, stay: At<'starting'>, input: Input): Step {
  const { turn, agent, isStopped, failure } = stay;
  switch (input.type) {
    case 'seated':
      return seat(state, stay);
    case 'unseated': {
      if (!isStopped && isCut(state, turn)) return choose(state, agent, ...quiet, cutOff);
      if (!isStopped && turn.goesOn && !input.isLasting)
        return choose(state, agent, ...quiet, dead(input.error));
      const end: TurnEnd = isStopped ? { by: 'stop' } : { by: 'crash', error: input.error };
      return choose(state, agent, ...quiet, { do: 'finish', end, failure });
    }
    case 'stop':
      return input.turnId === turn.id && !isStopped ? stopStart(state, stay) : same(state);
    case 'expired':
      if (input.turnId !== turn.id || isStopped) return same(state);
      return stopStart(state, { ...stay, failure: input.error });
    // A process that is there does not answer.
    case 'timer':
      return same(state, ...(input.name === 'interrupt' && isStopped ? [kill] : []));
    case 'asks':
      return same(state, forward);
    case 'said': {
      const heard = { ...stay, agent: hear(agent ?? newAgent, input.word) };
      return to(state, heard, { do: 'log', message: input.message });
    }
    // The one that was there: it had other options, or ended by itself.
    case 'gone':
      return to(state, { ...stay, agent: null });
    default:
      return same(state);
  }
}

function seat(state: State, { turn, agent, isStopped, failure }: At<'starting'>): Step {
  const run = { ...newRun(turn, agent ?? newAgent), failure };
  const goesOnByItself = turn.promptId === null;
  if (isStopped && goesOnByItself) return to(state, { ...run, at: 'stopping' }, kill);
  if (isStopped) return choose(state, run.agent, ...quiet, { do: 'finish', end: { by: 'stop' }, failure });
  if (isCut(state, turn)) return park(state, run, 'cut');
  const first: Effect = goesOnByItself ? { do: 'set_timer', name: 'silence' } : { do: 'give_prompt' };
  return to(state, { at: 'working', ...run }, first, { do: 'hand_over' });
}

function stopStart(state: State, stay: At<'starting'>): Step {
  return to(state, { ...stay, isStopped: true }, { do: 'set_timer', name: 'interrupt' });
}

/** Whether the server stops at once, and the turn goes on elsewhere. */
function isCut({ leaving }: State, { goesOn }: Turn): boolean {
  return leaving === 'hurry' && goesOn;
}

function newRun(turn: Turn, agent: Agent): Run {
  return {
    turn,
    agent,
    isBegun: false,
    unread: [],
    isHeld: false,
    result: null,
    awaitsTasks: false,
    failure: null,
  };
}

// --- with a turn that an agent has

function whileRunning(state: State, stay: Running, input: Input): Step {
  const isStopping = stay.at === 'stopping';
  switch (input.type) {
    case 'said':
      return hearRunning(state, stay, input);
    case 'gone':
      return onDeath(state, stay, input);
    case 'asks':
      return onRequest(state, stay, input);
    case 'queued':
      return same(state, ...(isStopping ? [] : [{ do: 'hand_over' } as const]));
    case 'given_again':
      return to(state, { ...stay, turn: { ...stay.turn, promptId: input.promptId } });
    case 'handed':
      return to(state, { ...stay, unread: [...stay.unread, ...input.ids] });
    case 'stop':
      return input.turnId === stay.turn.id && !isStopping ? interrupt(state, stay) : same(state);
    case 'expired':
      if (input.turnId !== stay.turn.id || isStopping) return same(state);
      return interrupt(state, { ...stay, failure: input.error });
    case 'failed':
      return to(state, { ...stay, failure: input.error });
    case 'waiting':
      return isStopping ? same(state) : review(state, stay, input);
    case 'timer':
      return onTimer(state, stay, input.name);
    case 'evict':
      return stay.at === 'asking' ? park(state, stay, 'answer') : same(state);
    default:
      return same(state);
  }
}

function hearRunning(state: State, stay: Running, input: Extract<Input, { type: 'said' }>): Step {
  const { word, message } = input;
  const log: Effect = { do: 'log', message };
  const isOwn = 'id' in word && word.id === stay.turn.promptId;
  switch (word.is) {
    case 'begins': {
      const goesOnByItself = stay.turn.promptId === null;
      const heard: Effect[] = goesOnByItself && !stay.isBegun ? [{ do: 'clear_timer', name: 'silence' }] : [];
      const isBegun = stay.isBegun || goesOnByItself;
      return to(state, { ...stay, isBegun, awaitsTasks: false }, ...heard, ...resumed(stay), log);
    }
    case 'takes': {
      if (isOwn) return to(state, { ...stay, isBegun: true }, log);
      if (!stay.unread.includes(word.id)) return same(state, log);
      const unread = stay.unread.filter((id) => id !== word.id);
      return to(state, { ...stay, unread }, log, { do: 'note_read', messageId: word.id });
    }
    case 'returns':
      return isOwn ? onPromptBack(state, stay, log) : onMessageBack(state, stay, word.id, log);
    case 'result':
      return onResult(state, stay, word.result, log);
    case 'rests': {
      if (!stay.isBegun) return same(state, log);
      // A message crossed that word: the agent begins it now, and it belongs to the turn; to one that is stopped it does not.
      if (stay.unread.length > 0) return same(state, log, ...(stay.at === 'stopping' ? [kill] : []));
      const end: TurnEnd = stay.result === null ? { by: 'silence' } : { by: 'result', result: stay.result };
      return finish(state, stay, end, log);
    }
    case 'other':
      return same(state, log);
    default:
      return to(state, { ...stay, agent: hear(stay.agent, word) }, log);
  }
}

/** The agent goes on, for which it had waited for its tasks. */
function resumed({ awaitsTasks }: Run): Effect[] {
  return awaitsTasks ? [{ do: 'show_tasks', awaits: false }] : [];
}

/** Where it was begun, that only says how it ended. */
function onPromptBack(state: State, stay: Running, log: Effect): Step {
  if (stay.isBegun) return same(state, log);
  // Nothing of the turn comes any more: the next rest is its end.
  if (stay.at === 'stopping') return to(state, { ...stay, isBegun: true }, log);
  return same(state, log, { do: 'give_again' });
}

function onMessageBack(state: State, stay: Running, messageId: string, log: Effect): Step {
  if (!stay.unread.includes(messageId)) return same(state, log);
  const unread = stay.unread.filter((id) => id !== messageId);
  return to(state, { ...stay, unread }, log, { do: 'put_back', messageId });
}

function onResult(state: State, stay: Running, said: ResultMessage, log: Effect): Step {
  const { turn, agent } = stay;
  const isBegun = stay.isBegun || (said.user_message_uuids ?? []).includes(turn.promptId ?? '');
  const result = stay.result === null ? said : joinResults(stay.result, said);
  const awaitsTasks = agent.agents.length > 0 && stay.at !== 'stopping';
  const shown: Effect[] = awaitsTasks === stay.awaitsTasks ? [] : [{ do: 'show_tasks', awaits: awaitsTasks }];
  // What it says before it has begun the turn is its own, and part of the turn all the same.
  return to(state, { ...stay, isBegun, result, awaitsTasks }, log, ...shown);
}

function interrupt(state: State, run: Run): Step {
  return to(
    state,
    { ...run, at: 'stopping' },
    { do: 'interrupt', agents: run.agent.agents },
    { do: 'set_timer', name: 'interrupt' },
  );
}

function review(
  state: State,
  stay: Running,
  { any, only, calls }: Extract<Input, { type: 'waiting' }>,
): Step {
  const watch: Effect = { do: 'watch', runs: !any };
  if (stay.isHeld && calls === 0 && stay.at === 'working' && stay.failure === null)
    return leaveAt(state, stay);
  // What it waits for besides shows again.
  const shown: Effect[] = any || !stay.awaitsTasks ? [] : [{ do: 'show_tasks', awaits: true }];
  if (only === (stay.at === 'asking')) return same(state, watch, ...shown);
  if (!only)
    return to(state, { ...stay, at: 'working' }, watch, ...shown, { do: 'clear_timer', name: 'park' });
  if (state.leaving !== 'no') return park(state, stay, 'answer', watch);
  return to(state, { ...stay, at: 'asking' }, watch, { do: 'set_timer', name: 'park' });
}

/** Here the turn can leave, if it is to. Subagents in the background would be lost, and so would its other tasks. */
function onRequest(state: State, stay: Running, { calls, owes }: Extract<Input, { type: 'asks' }>): Step {
  const { agents, others } = stay.agent;
  const isFree = stay.at === 'working' && stay.isBegun && stay.failure === null && agents.length === 0;
  const isForRoom = state.leaving === 'room' || (state.leaving === 'no' && owes);
  const leaves = isForRoom ? others === 0 : state.leaving !== 'no';
  if (!isFree || !leaves) return same(state, forward);
  const leaving = state.leaving === 'no' ? 'room' : state.leaving;
  const held = { ...stay, isHeld: true };
  if (calls === 0) return leaveAt({ ...state, leaving }, held);
  // Their results are on the way: what the agent says comes by another one.
  return to({ ...state, leaving }, held, { do: 'set_timer', name: 'hold' });
}

function leaveAt(state: State, run: Run): Step {
  return park(state, run, state.leaving === 'room' ? 'room' : 'server');
}

/** The process has ended, and not by our wish. */
function onDeath(state: State, stay: Running, { error, isLasting }: Extract<Input, { type: 'gone' }>): Step {
  const goesOn = stay.turn.goesOn && stay.failure === null && stay.at !== 'stopping';
  if (!goesOn || isLasting) return finish(state, { ...stay, agent: null }, { by: 'crash', error });
  return choose(state, null, ...quiet, dead(error));
}

function onTimer(state: State, stay: Running, name: TimerName): Step {
  switch (name) {
    case 'park':
      return stay.at === 'asking' ? park(state, stay, 'answer') : same(state);
    case 'interrupt':
      return stay.at === 'stopping' ? same(state, kill) : same(state);
    // Of the agent, but not of what it does next: a tool of it asks the model.
    case 'hold':
      return stay.isHeld ? to(state, { ...stay, isHeld: false }, forward) : same(state);
    case 'silence':
      return stay.at === 'working' && !stay.isBegun ? park(state, stay, 'silence') : same(state);
    default:
      return same(state);
  }
}

/** Ends the process before it can note that it was ended: what it waits for is asked for again. */
function park(state: State, { turn }: Run, why: Parting, ...before: Effect[]): Step {
  return to(state, { at: 'parking', turn, why }, ...before, ...quiet, { do: 'end_agent', how: 'park' });
}

function finish(
  state: State,
  { agent, failure }: Omit<Run, 'agent'> & { agent: Agent | null },
  end: TurnEnd,
  ...before: Effect[]
): Step {
  return choose(state, agent, ...before, ...quiet, { do: 'finish', end, failure });
}

const kill: Effect = { do: 'end_agent', how: 'kill' };
const forward: Effect = { do: 'forward' };
const cutOff: Effect = { do: 'park', why: 'cut', error: null };

function dead(error: unknown): Effect {
  return { do: 'park', why: 'crash', error };
}

/** A turn that no longer runs is not watched. */
const quiet: readonly Effect[] = [
  { do: 'watch', runs: false },
  ...(['park', 'interrupt', 'hold', 'silence'] as const).map((name): Effect => ({ do: 'clear_timer', name })),
];

// --- on the way out

function whileParking(state: State, { why }: At<'parking'>, input: Input): Step {
  if (input.type === 'said') return same(state, { do: 'log', message: input.message });
  return input.type === 'gone' ? choose(state, null, { do: 'park', why, error: null }) : same(state);
}

function whileReleasing(state: State, stay: At<'releasing'>, input: Input): Step {
  switch (input.type) {
    case 'said':
      return same(state, { do: 'log', message: input.message });
    case 'gone':
      return stay.hasAgent ? to(state, { at: 'releasing', hasAgent: false }, { do: 'release' }) : same(state);
    case 'released':
      return input.to === 'input' ? choose(state, null) : to(state, { at: 'ended' });
    default:
      return same(state);
  }
}

/** The server is to stop. */
function leave(state: State, how: 'drain' | 'hurry'): Step {
  const { stay } = state;
  switch (stay.at) {
    case 'idle':
      return release(state, stay.agent, { do: 'clear_timer', name: 'idle' });
    case 'asking':
      return park(state, stay, 'answer');
    case 'starting':
      return how === 'hurry' && !stay.turn.goesOn ? to(state, { ...stay, isStopped: true }) : same(state);
    case 'working':
      if (how === 'drain') return same(state);
      if (stay.turn.goesOn && stay.failure === null) return park(state, stay, 'cut');
      return to(state, { ...stay, at: 'stopping' }, kill);
    case 'stopping':
      return same(state, ...(how === 'hurry' ? [kill] : []));
    default:
      return same(state);
  }
}
