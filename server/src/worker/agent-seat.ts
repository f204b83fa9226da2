import type { AgentMessage } from '../agent/agent-process.ts';
import { hasConversation } from '../agent/transcript-store.ts';
import { newTurnId } from '../ids.ts';
import type { Logger } from '../log.ts';
import { grantedRules } from '../session/grants.ts';
import type { SessionRow } from '../session/store.ts';
import { ApprovalDesk } from './approval-desk.ts';
import { deliverGranted } from './asking.ts';
import { DeltaPublisher } from './deltas.ts';
import type { HeldSession } from './held-session.ts';
import { LiveAgent } from './live-agent.ts';
import type { LiveTurn } from './live-turn.ts';
import { MessageLog } from './message-log.ts';
import { parseResult } from './outcome.ts';
import type { WorkerServices } from './services.ts';
import { startAgent } from './start-agent.ts';
import { isQueueNotice, noticeQueue } from './steering.ts';
import { type BegunTurn, closeDeferred, queueTaskTurn, readHeld, recordSpending } from './store.ts';
import { translate } from './translate.ts';

export type SeatOptions = {
  services: WorkerServices;
  held: HeldSession;
  logger: Logger;
  /** The turn that runs, if one does. */
  turn: () => LiveTurn | null;
  /** There may be a turn to begin, or no process any more. */
  onWake: () => void;
  /** Somebody began to wait for a person, or no longer does. */
  onWaiting: () => void;
  /** Nothing more can be written. */
  onFailure: (error: unknown) => void;
};

/**
 * Where a session's agent process sits: one is started when a turn needs it, and listened to for as long as it lives,
 * also between turns.
 *
 * After a turn's result the agent may go on by itself: with a message that was to steer the turn, or because a background
 * task has ended. So that what it says then is not put down to the wrong turn, or to none, the reader pauses at a result
 * until `goOn` says that the next turn has begun, or that there is none.
 */
export class AgentSeat {
  readonly #options: SeatOptions;
  readonly #services: WorkerServices;
  readonly #held: HeldSession;
  readonly #messages: MessageLog;
  #agent: LiveAgent | null = null;
  #between = Promise.withResolvers<void>();

  constructor(options: SeatOptions) {
    this.#options = options;
    this.#services = options.services;
    this.#held = options.held;
    this.#messages = new MessageLog(options.held, options.services.eventLog, options.onFailure);
  }

  get agent(): LiveAgent | null {
    return this.#agent;
  }

  /** The next turn has begun, or there is none: what the agent says from here on can be put down. */
  goOn(): void {
    this.#between.resolve();
  }

  /** Gives the turn a process that has its options: the one that is there, or a new one. */
  async ensure(live: LiveTurn, { session, continuation }: BegunTurn): Promise<LiveAgent> {
    const { defaultModel } = this.#services;
    if (live.agent !== null) return live.agent;
    const present = continuation === null ? this.#agent : null;
    if (present?.process.isEnding === false) {
      live.agent = present;
      // A process keeps the directories that it was started with, also when others have taken their places.
      const isInPlace = await present.places.areInPlace();
      if (isInPlace && (present.fits(session) || (await this.apply(present, session)))) return present;
      live.agent = null;
    }
    // Options or directories changed with the new turn: only a new process has them all. Or it is being killed.
    await this.end('close');
    const conversationExists = await this.#held.persist(
      async (db) => await hasConversation(db, this.#held.id),
    );
    if (conversationExists && continuation !== 'resume_call') await this.#held.persist(closeDeferred);
    const desk = new ApprovalDesk(this.#held, {
      asker: () => ({
        turnId: this.#options.turn()?.id ?? null,
        options: (this.#options.turn()?.session ?? session).options,
        openCalls: this.#agent?.openCalls ?? new Map(),
        stored: this.#messages.stored,
      }),
      caughtUp: async () => await this.#agent?.process.caughtUp(),
      beforeAsking: async () => await this.#recordSpending(),
      onGrant: async () => await this.takeGrants(),
      onChange: this.#options.onWaiting,
    });
    const plan = {
      session,
      fence: this.#held.fence,
      failed: this.#held.failed.signal,
      conversationExists,
      continuation,
      desk,
      onWarning: (warning: string) => this.#warn(warning, live.id),
    };
    await startAgent(this.#services, plan, (start) => {
      if (live.isStopped) throw new Error('the turn was stopped before its agent was started');
      const agent = new LiveAgent(start(), desk, { session, defaultModel });
      live.agent = agent;
      this.#agent = agent;
      agent.pump = this.#pump(agent);
    });
    // Not among the settings that it is started with, which stay as they are.
    if (session.grants.length > 0) {
      await this.#held.persist(async (db, hold) => await deliverGranted(db, hold, live.id));
      await this.takeGrants();
    }
    if (this.#agent === null) throw new Error('the agent process ended before its turn began');
    return this.#agent;
  }

  /** The user sees it beside what the agent says. */
  #warn(warning: string, turnId: string): void {
    this.#options.logger.warn({ turn_id: turnId }, warning);
    const data = { status: 'running' as const, waiting_for: null, warning };
    this.#messages.append([{ kind: 'session', data, turnId, at: new Date() }]);
  }

  /** What is allowed for the session has changed. */
  async takeGrants(): Promise<void> {
    await this.#agent?.process.grant(async () => grantedRules(await this.#held.persist(readHeld)));
  }

  /** @returns false when only a new process can have the session's options */
  async apply(agent: LiveAgent, session: SessionRow): Promise<boolean> {
    try {
      return await agent.apply(session);
    } catch (error) {
      this.#options.logger.debug(
        { err: error },
        'the agent refused a change of its options; it needs a new process',
      );
      return false;
    }
  }

  /** Stores what the agent says, for as long as its process lives, also between turns. */
  async #pump(agent: LiveAgent): Promise<void> {
    using deltas = new DeltaPublisher(this.#held.id, (pieces) => this.#services.bus.publish(pieces));
    try {
      for await (const message of agent.process.messages()) {
        agent.hear(message);
        if (isQueueNotice(message)) await this.#noticeQueue(agent, message);
        else if (isTurnStart(message) && this.#options.turn() === null) {
          if (agent.mayBeginByItself(message)) await this.#adoptTurn(agent);
          else this.#refuseTurn(agent);
        }
        deltas.observe(message, this.#options.turn()?.id ?? null);
        this.#messages.append(translate(message, this.#options.turn()?.id ?? null, new Date()));
        agent.process.holdFor(this.#messages.stored);
        if (agent.openCalls.observe(message)) this.#options.onWaiting();
        if (message.type === 'result' && this.#options.turn()?.agent === agent)
          await this.#onResult(agent, message);
        else if (this.#messages.isFull) await this.#messages.stored;
      }
      throw new Error('the agent process ended before its turn did');
    } catch (error) {
      // What it said last belongs before the end of its turn.
      await this.#messages.stored;
      const turn = this.#options.turn();
      if (turn?.agent === agent) turn.ended.reject(error);
    } finally {
      await agent.places[Symbol.asyncDispose]();
      // An agent that ended while idle is not missed until the next turn, which starts a new one.
      if (this.#agent === agent) {
        this.#agent.access.revoke();
        this.#agent = null;
      }
      this.#options.onWake();
    }
  }

  async #onResult(agent: LiveAgent, message: AgentMessage & { type: 'result' }): Promise<void> {
    const turn = this.#options.turn();
    if (turn === null) return;
    await this.#messages.stored;
    const result = parseResult(message);
    const answered = agent.turnsOf(result.user_message_uuids ?? []);
    // A turn that an earlier process began is answered under the ids of messages that steered it, or under none.
    const isOfOthers = answered.length > 0 && !answered.includes(turn.id) && agent.wasGiven(turn.id);
    // It came from work that the agent had begun by itself before it got to the prompt.
    if (isOfOthers || agent.isYetToBegin(turn.id)) return;
    this.#holdBack(agent);
    turn.end(result);
    await this.#between.promise;
  }

  /** Until `goOn`. An agent that is being ended is not held back: whoever ends it waits for its last word. */
  #holdBack(agent: LiveAgent): void {
    this.#between = Promise.withResolvers();
    if (agent.process.isEnding) this.goOn();
  }

  async #noticeQueue(agent: LiveAgent, notice: Parameters<typeof noticeQueue>[2]): Promise<void> {
    // In the log as well, what the agent said before it took the message comes before it.
    await this.#messages.stored;
    const mustSendAgain = await noticeQueue(this.#held, { agent, running: this.#options.turn() }, notice);
    if (mustSendAgain) this.#options.onWake();
  }

  /** A background task ended while the session was idle, and the agent goes on by itself. */
  async #adoptTurn(agent: LiveAgent): Promise<void> {
    const id = newTurnId();
    const task = { id, prompt: agent.lastNotification };
    agent.adopt(id);
    this.#holdBack(agent);
    await this.#held.record(async (db, hold) => await queueTaskTurn(db, hold, task));
    this.#options.onWake();
    await this.#between.promise;
  }

  /** It begins a message that was cancelled when it had it already: only its end keeps that from being run. */
  #refuseTurn(agent: LiveAgent): void {
    const { logger } = this.#options;
    logger.warn('the agent began a message that was cancelled; killing it');
    agent.process.kill().catch((error) => logger.error({ err: error }, 'could not end the agent process'));
  }

  /** What the turn cost until now can be seen while it waits. */
  async #recordSpending(): Promise<void> {
    const { id } = this.#options.turn() ?? {};
    if (id === undefined) return;
    await this.#held.waitFor(this.#services.gateway.settled(this.#held.id));
    await this.#held.persist(async (db, hold) => await recordSpending(db, hold, id));
  }

  async end(how: 'close' | 'kill' | 'park'): Promise<void> {
    this.goOn();
    const agent = this.#agent;
    if (agent === null) return;
    if (how === 'park') await agent.park();
    else await (how === 'close' ? agent.process.close() : agent.process.kill());
    await agent.pump;
  }
}

/** The first word of every turn, also of one that the agent began by itself. */
function isTurnStart(message: AgentMessage): boolean {
  return message.type === 'system' && message.subtype === 'init';
}
