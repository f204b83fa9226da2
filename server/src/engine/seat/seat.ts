import type { Logger } from '../../ground/log.ts';
import { grantedRules } from '../../session/approval/grants.ts';
import type { SessionRow } from '../../session/store.ts';
import type { TurnError } from '../../session/turn/turn.ts';
import type { AgentMessage } from '../agent/agent-process.ts';
import type { CallOfTool } from '../agent/permissions.ts';
import { hasConversation } from '../agent/transcript-store.ts';
import { deliverGranted } from '../hold/approvals.ts';
import { readHeld } from '../hold/claim.ts';
import type { HeldSession } from '../hold/held-session.ts';
import { type BegunTurn, closeDeferred } from '../hold/turns.ts';
import type { WorkerServices } from '../services.ts';
import { ApprovalDesk, type Asker } from './approval-desk.ts';
import { SeatedAgent } from './seated-agent.ts';
import { type StartPlan, startAgent } from './start-agent.ts';

export type SeatOptions = {
  services: WorkerServices;
  held: HeldSession;
  logger: Logger;
  /** Whose turn asks. */
  asker: () => Omit<Asker, 'openCalls'>;
  /** Resolves when all that the agent has said until now is dealt with. */
  caughtUp: () => Promise<void>;
  beforeRequest: StartPlan['beforeRequest'];
  /** Of the main agent: the tool runs when this resolves, unless somebody is to be asked first. */
  beforeCall: (call: CallOfTool) => Promise<void>;
  beforeAsking: () => Promise<void>;
  /** Somebody began to wait for a person, or no longer does. */
  onWaiting: () => void;
  /** An answer, or the lack of one, says that the turn is to fail. */
  onEnding: (error: TurnError) => void;
  /** The agent said something; throws where that ends its process. */
  onSaid: (agent: SeatedAgent, message: AgentMessage, taken: () => void) => void;
  /** Its process has ended, and all that it said is dealt with when this resolves. */
  onGone: (agent: SeatedAgent, error: unknown) => Promise<void>;
  onWarning: (warning: string, turnId: string) => void;
  /** The agent is in this permission mode now. */
  onMode: (mode: string) => Promise<void>;
};

/** The process was started, and has ended before its turn began, or does not listen. */
export class AgentGoneError extends Error {
  constructor(options?: ErrorOptions) {
    super('the agent process ended before its turn began', options);
    this.name = 'AgentGoneError';
  }
}

/** Where a session's agent process sits: one is started when a turn needs it, and kept for the next. */
export class Seat {
  readonly #options: SeatOptions;
  readonly #services: WorkerServices;
  readonly #held: HeldSession;
  #agent: SeatedAgent | null = null;
  /** They changed while an agent was being started with what was there before. */
  #missed: SessionRow | null = null;

  constructor(options: SeatOptions) {
    this.#options = options;
    this.#services = options.services;
    this.#held = options.held;
  }

  get agent(): SeatedAgent | null {
    return this.#agent;
  }

  /** Gives the turn a process that has its options: the one that is there, or a new one. Throws where it cannot. */
  async ensure(begun: BegunTurn, isStopped: () => boolean): Promise<void> {
    const { session, continuation } = begun;
    this.#missed = null;
    const present = this.#agent;
    if (continuation === null && present !== null && (await this.#canRun(present, session))) return;
    // Options or directories changed with the new turn: only a new process has them all. Or it is being killed.
    await this.end('close');
    await this.#start(begun, isStopped);
    const settling = this.#settleIn(begun);
    // A process that goes on with what another one began does so at once, and is listened to at once.
    const listens = continuation === null || begun.note !== null;
    if (listens) await settling.catch((cause) => Promise.reject(new AgentGoneError({ cause })));
    else
      settling.catch((error) => this.#options.logger.debug({ err: error }, 'the agent ended at its start'));
    if (this.#agent === null) throw new AgentGoneError();
  }

  async #canRun(agent: SeatedAgent, session: SessionRow): Promise<boolean> {
    if (agent.process.hasEnded) return false;
    // A process keeps the directories that it was started with, also when others have taken their places.
    if (!(await agent.places.areInPlace())) return false;
    return agent.fits(session) || (await this.#apply(agent, session));
  }

  async #start(
    { turn, session: asked, continuation, steps }: BegunTurn,
    isStopped: () => boolean,
  ): Promise<void> {
    const { defaultModel } = this.#services;
    const session = continuation === null ? asked : withoutSteps(asked, steps);
    const conversationExists = await this.#held.persist(
      async (db) => await hasConversation(db, this.#held.id),
    );
    if (conversationExists && continuation !== 'resume_call') await this.#held.persist(closeDeferred);
    const desk = this.#desk();
    const plan = {
      session,
      fence: this.#held.fence,
      failed: this.#held.failed.signal,
      conversationExists,
      continuation,
      desk,
      beforeCall: async (call: CallOfTool) => {
        await this.#options.beforeCall(call);
        return (await desk.wasAsked(call)) ? ('ask' as const) : undefined;
      },
      beforeRequest: this.#options.beforeRequest,
      onWarning: (warning: string) => this.#options.onWarning(warning, turn.id),
    };
    await startAgent(this.#services, plan, (start) => {
      if (isStopped()) throw new Error('the turn was stopped before its agent was started');
      const agent = new SeatedAgent(start(), desk, { session, defaultModel });
      this.#agent = agent;
      agent.ended = this.#listen(agent);
    });
  }

  /** What is not among the settings that a process is started with, and what changed meanwhile. */
  async #settleIn({ turn, session }: BegunTurn): Promise<void> {
    if (session.grants.length > 0) {
      await this.#held.persist(async (db, hold) => await deliverGranted(db, hold, turn.id));
      await this.takeGrants();
    }
    if (this.#missed !== null) await this.takeOptions(this.#missed);
  }

  #desk(): ApprovalDesk {
    const { asker, caughtUp, beforeAsking, onWaiting, onEnding } = this.#options;
    const desk = new ApprovalDesk(this.#held, {
      asker: () => ({ ...asker(), openCalls: this.#agent?.openCalls ?? new Map() }),
      caughtUp,
      beforeAsking,
      onEnding,
      onGrant: async () => await this.takeGrants(),
      onChange: onWaiting,
      isGone: () => this.#agent?.desk !== desk || this.#agent.process.hasEnded,
    });
    return desk;
  }

  async #listen(agent: SeatedAgent): Promise<void> {
    const { onSaid, onGone } = this.#options;
    let ending: unknown = new Error('the agent process ended before its turn did');
    await agent.process
      .listen((message, taken) => onSaid(agent, message, taken))
      .catch((error) => {
        ending = error;
      });
    // What it noted last is stored before anybody looks at what it has read.
    await this.#clearAway(agent);
    await onGone(agent, ending);
  }

  async #clearAway(agent: SeatedAgent): Promise<void> {
    try {
      agent.access.revoke();
      await agent.settle();
      await agent.places[Symbol.asyncDispose]();
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'could not give back all that an agent had');
    }
  }

  /** The process that was here has ended. */
  leave(agent: SeatedAgent): void {
    if (this.#agent === agent) this.#agent = null;
  }

  /** What is allowed for the session has changed. */
  async takeGrants(): Promise<void> {
    if (this.#agent?.process.isEnding !== false) return;
    await this.#agent.process.grant(async () => grantedRules(await this.#held.persist(readHeld)));
  }

  /** The session's options have changed. */
  async takeOptions(session: SessionRow): Promise<void> {
    const agent = this.#agent;
    this.#missed = agent === null ? session : null;
    if (agent === null || agent.process.isEnding) return;
    if (!agent.fits(session)) await this.#apply(agent, session);
    await this.takeGrants();
  }

  /** @returns false when only a new process can have the session's options */
  async #apply(agent: SeatedAgent, session: SessionRow): Promise<boolean> {
    try {
      return await agent.apply(session, this.#options.onMode);
    } catch (error) {
      this.#options.logger.debug(
        { err: error },
        'the agent refused a change of its options; it needs a new process',
      );
      return false;
    }
  }

  /** Resolves when there is no process, and all that it said is dealt with. */
  async end(how: 'close' | 'kill' | 'park'): Promise<void> {
    await this.#agent?.end(how);
  }
}

/** Each process counts the model calls of a turn anew. */
function withoutSteps(session: SessionRow, steps: number): SessionRow {
  const { max_turns } = session.options;
  if (max_turns === undefined) return session;
  return { ...session, options: { ...session.options, max_turns: Math.max(1, max_turns - steps) } };
}
