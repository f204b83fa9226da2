import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { AgentMessage, AgentProcess } from '../agent/agent-process.ts';
import type { SessionRow } from '../session/store.ts';
import type { TurnRow } from '../turn/store.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import { OpenCalls } from './open-calls.ts';
import type { StartedAgent } from './start-agent.ts';

type Prompt = Pick<TurnRow, 'id' | 'prompt' | 'content'>;
type Settings = Pick<SessionRow, 'options'>;

/** An agent process with what the activation knows of it. */
export class LiveAgent {
  readonly process: AgentProcess;
  readonly access: StartedAgent['access'];
  readonly places: StartedAgent['places'];
  readonly desk: ApprovalDesk;
  readonly openCalls = new OpenCalls();
  /** When the process last said something, as `performance.now()`. */
  lastMessageAt = performance.now();
  /** Ends when the process has, and all that it said is stored. */
  pump: Promise<void> = Promise.resolve();
  readonly #seal: StartedAgent['seal'];
  #settings: Settings;
  /** Prompts that it was given and has not begun: message id → prompt. */
  readonly #given = new Map<string, Prompt>();
  /** The turn that it began by itself last. */
  #ownTurnId: string | null = null;
  readonly #usedIds = new Set<string>();

  /** Background tasks that go on. */
  readonly #tasks = new Set<string>();
  /** What the newest background task to end said. */
  lastNotification = '';
  readonly #turnIds = new Map<string, string>();
  readonly #defaultModel: string | null;

  constructor(
    started: StartedAgent,
    desk: ApprovalDesk,
    { session, defaultModel }: { session: Settings; defaultModel: string | null },
  ) {
    this.process = started.process;
    this.access = started.access;
    this.places = started.places;
    this.#seal = started.seal;
    this.desk = desk;
    this.#settings = session;
    this.#defaultModel = defaultModel;
  }

  get hasTasks(): boolean {
    return this.#tasks.size > 0;
  }

  get lastHeardAt(): number {
    return Math.max(this.lastMessageAt, this.access.lastByteAt);
  }

  /** Whether it can run a turn with these settings, or a new process must. */
  fits(settings: Settings): boolean {
    return (
      !this.process.isEnding &&
      isDeepStrictEqual(processOptions(settings.options), processOptions(this.#settings.options))
    );
  }

  has(turnId: string): boolean {
    return this.#ownTurnId === turnId || this.isYetToBegin(turnId);
  }

  /** Whether it has the turn's prompt, and is still at something else. */
  isYetToBegin(turnId: string): boolean {
    return [...this.#given.values()].some(({ id }) => id === turnId);
  }

  /** Whether there is a prompt that it begins by itself as soon as it is done with the one before. */
  get hasMore(): boolean {
    return this.#given.size > 0;
  }

  /** Gives it a turn's prompt, unless it has it. */
  give(turn: Prompt): void {
    if (this.has(turn.id)) return;
    // A prompt that it gave back once is ignored when it comes under the same id again.
    const id = this.#usedIds.has(turn.id) ? randomUUID() : turn.id;
    this.#usedIds.add(id);
    this.#given.set(id, turn);
    this.#turnIds.set(id, turn.id);
    this.process.send(id, turn.content ?? turn.prompt);
  }

  /** Whether it was given the turn's prompt at any time; not so, where it goes on with what another process began. */
  wasGiven(turnId: string): boolean {
    return [...this.#turnIds.values()].includes(turnId);
  }

  /** The turns whose prompts a result answers. */
  turnsOf(messageIds: readonly string[]): string[] {
    return messageIds.flatMap((id) => this.#turnIds.get(id) ?? []);
  }

  /** Whether a turn that begins while none is expected is one of a background task, and not of a prompt. */
  mayBeginByItself(start: AgentMessage): boolean {
    const { user_message_uuids = [] } = start as { user_message_uuids?: string[] };
    return this.lastNotification !== '' && this.turnsOf(user_message_uuids).length === 0;
  }

  /** Takes note of what the process says. */
  hear(message: AgentMessage): void {
    this.lastMessageAt = performance.now();
    if (message.type !== 'system') return;
    if (message.subtype === 'task_started' && message.is_backgrounded === true)
      this.#tasks.add(message.task_id);
    if (message.subtype !== 'task_notification') return;
    this.#tasks.delete(message.task_id);
    this.lastNotification = message.summary;
  }

  /** It has a turn that nobody gave it: one that it began by itself. */
  adopt(turnId: string): void {
    this.#ownTurnId = turnId;
  }

  /** The prompt of a message id that it began, or gave back. */
  take(messageId: string): Prompt | undefined {
    const turn = this.#given.get(messageId);
    this.#given.delete(messageId);
    return turn;
  }

  /**
   * Changes model and permission mode while it works. Other options need a new process.
   *
   * @returns false when something else has changed as well
   */
  async apply(settings: Settings): Promise<boolean> {
    const { model, permission_mode } = settings.options;
    const before = this.#settings.options;
    if (permission_mode !== before.permission_mode) {
      await this.process.setPermissionMode(permission_mode ?? 'default');
    }
    if (model !== before.model) await this.process.setModel(model ?? this.#defaultModel ?? undefined);
    this.#settings = { ...this.#settings, options: withLive(before, settings.options) };
    return this.fits(settings);
  }

  /** Ends it before it can note that it was ended: what it waits for is asked for again. */
  async park(): Promise<void> {
    const sealed = this.#seal();
    await this.process.destroy();
    await sealed;
  }
}

/** The options that a process is started with; the others are read where they are used. */
function processOptions(options: Settings['options']): Settings['options'] {
  const { approval_timeout_s, approval_timeout_action, park_after_s, timeout_s, on_interruption, ...rest } =
    options;
  return rest;
}

function withLive(before: Settings['options'], after: Settings['options']): Settings['options'] {
  const { model: _, permission_mode: __, ...rest } = before;
  const { model, permission_mode } = after;
  return {
    ...rest,
    ...(model === undefined ? {} : { model }),
    ...(permission_mode === undefined ? {} : { permission_mode }),
  };
}
