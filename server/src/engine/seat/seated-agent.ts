import { isDeepStrictEqual } from 'node:util';
import { withLiveOptions } from '../../session/options/fields.ts';
import type { SessionRow } from '../../session/store.ts';
import type { AgentProcess } from '../agent/agent-process.ts';
import { OpenCalls } from '../hold/open-calls.ts';
import type { ApprovalDesk } from './approval-desk.ts';
import type { StartedAgent } from './start-agent.ts';

type Settings = Pick<SessionRow, 'options'>;

/** An agent process with what belongs to it. */
export class SeatedAgent {
  readonly process: AgentProcess;
  readonly access: StartedAgent['access'];
  readonly places: StartedAgent['places'];
  readonly desk: ApprovalDesk;
  readonly openCalls = new OpenCalls();
  /** When the process last said something, as `performance.now()`. */
  lastMessageAt = performance.now();
  /** Resolves when the process has ended and all that it said is taken. */
  ended: Promise<void> = Promise.resolve();
  readonly #transcript: StartedAgent['transcript'];
  readonly #defaultModel: string | null;
  #settings: Settings;

  constructor(
    started: StartedAgent,
    desk: ApprovalDesk,
    { session, defaultModel }: { session: Settings; defaultModel: string | null },
  ) {
    this.process = started.process;
    this.access = started.access;
    this.places = started.places;
    this.#transcript = started.transcript;
    this.desk = desk;
    this.#settings = session;
    this.#defaultModel = defaultModel;
  }

  get lastHeardAt(): number {
    return Math.max(this.lastMessageAt, this.access.lastByteAt);
  }

  /** Whether all that the main agent does is wait for a person. */
  get onlyWaits(): boolean {
    return this.desk.holdsAll(this.openCalls.keys());
  }

  /** Whether it can run a turn with these settings, or a new process must. */
  fits(settings: Settings): boolean {
    return (
      !this.process.isEnding &&
      isDeepStrictEqual(processOptions(settings.options), processOptions(this.#settings.options))
    );
  }

  /**
   * Changes model and permission mode while it works. Other options need a new process.
   *
   * @param onMode told of the permission mode that it is in then
   * @returns false when something else has changed as well
   */
  async apply(settings: Settings, onMode: (mode: string) => Promise<void>): Promise<boolean> {
    const { model, permission_mode } = settings.options;
    const before = this.#settings.options;
    if (permission_mode !== before.permission_mode) {
      await onMode(await this.process.setPermissionMode(permission_mode ?? 'default'));
    }
    if (model !== before.model) await this.process.setModel(model ?? this.#defaultModel ?? undefined);
    this.#settings = { ...this.#settings, options: withLiveOptions(before, settings.options) };
    return this.fits(settings);
  }

  /** Resolves when all that it noted is stored; what should come after that is not. */
  async settle(): Promise<void> {
    await this.#transcript.flush();
    await this.#transcript.seal();
  }

  async end(how: 'close' | 'kill' | 'park'): Promise<void> {
    if (how === 'close') await this.process.close();
    else if (how === 'kill') await this.process.kill();
    else await this.#park();
    await this.ended;
  }

  /** Ends it before it can note that it was ended: what it waits for is asked for again. */
  async #park(): Promise<void> {
    this.desk.close();
    const sealed = this.#transcript.seal();
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
