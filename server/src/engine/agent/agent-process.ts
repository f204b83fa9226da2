import { setImmediate as immediate } from 'node:timers/promises';
import {
  type PermissionMode,
  type Query,
  query,
  type SDKMessage,
  type SDKUserMessage,
  type SessionStore,
  type SpawnedProcess,
  type SpawnOptions,
} from '@anthropic-ai/claude-agent-sdk';
import { errorMessage } from '../../ground/errors.ts';
import { PushQueue } from '../../ground/util/push-queue.ts';
import { forAtMost } from '../../ground/util/waiting.ts';
import type { ContentBlock } from '../../session/turn/turn.ts';
import type { AgentChild, Sandbox } from '../isolation/driver.ts';
import { AgentChannel } from './agent-channel.ts';
import { Backlog } from './backlog.ts';
import { agentOptions, allowedRules, type OptionsSource } from './options.ts';
import { withinScope } from './sdk-scope.ts';

/** The agent's messages as they come; kinds that the SDK's types don't name appear as well. */
export type AgentMessage = SDKMessage;

export type AgentProcessSpec = Omit<OptionsSource, 'spawn'> & {
  sandbox: Pick<Sandbox, 'spawn' | 'release'>;
  /** Identifies the activation on its processes, see `AgentCommand.mark`. */
  mark: string;
};

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** The agent program ended, or could not be started; the message says what it printed last. */
export class AgentCrashedError extends Error {
  /** The limit of its sandbox that it had run into, if any. */
  readonly exhausted: string | null;
  /** It would end like that again: it ran into a limit, or did what no agent program does. */
  readonly isLasting: boolean;

  constructor(
    message: string,
    {
      exhausted = null,
      isLasting = false,
      ...options
    }: ErrorOptions & { exhausted?: string | null; isLasting?: boolean } = {},
  ) {
    super(message, options);
    this.name = 'AgentCrashedError';
    this.exhausted = exhausted;
    this.isLasting = isLasting;
  }
}

const TERMINATE_GRACE_MS = 400;
const CLOSE_GRACE_MS = 2_500;

/**
 * One agent process, its input kept open from start to end.
 *
 * - starting: the SDK loads the transcript and spawns the program; messages may already be sent.
 * - live: entered with the first message of the program.
 * - ended: `listen` returns or throws.
 */
export class AgentProcess {
  readonly #query: Query;
  readonly #nameModel: AgentProcessSpec['nameModel'];
  readonly #spec: Pick<AgentProcessSpec, 'requested' | 'answerClientTool'>;
  readonly #sandbox: AgentProcessSpec['sandbox'];
  readonly #input = new PushQueue<SDKUserMessage>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #backlog = new Backlog();
  #child: AgentChild | null = null;
  #channel: AgentChannel | null = null;
  #isEnding = false;
  #granting: Promise<void> = Promise.resolve();
  #stop: Promise<void> | null = null;
  /** Why it had to be ended: what it did that no agent program does. */
  #offence: string | null = null;

  constructor(spec: AgentProcessSpec) {
    this.#nameModel = spec.nameModel;
    this.#spec = spec;
    this.#sandbox = spec.sandbox;
    const options = agentOptions({
      ...spec,
      sessionStore: this.#watched(spec.sessionStore),
      spawn: (command) => this.#spawn(spec, command),
    });
    const scope = { fail: (error: unknown) => this.#endFor(`the Agent SDK failed: ${errorMessage(error)}`) };
    this.#query = withinScope(scope, () => query({ prompt: this.#input, options }));
  }

  #watched(store: SessionStore): SessionStore {
    return {
      ...store,
      append: async (key, entries) => {
        try {
          await this.#backlog.storing(store.append(key, entries));
        } catch (error) {
          this.#endFor(`what the agent noted could not be stored: ${errorMessage(error)}`);
          throw error;
        }
      },
    };
  }

  #spawn(spec: AgentProcessSpec, command: SpawnOptions): SpawnedProcess {
    if (this.#isEnding) throw new AgentCrashedError('ended before it was started');
    const env = definedOnly(command.env);
    const { CLAUDE_CONFIG_DIR: configDirectory = null } = env;
    this.#child = spec.sandbox.spawn({
      command: command.command,
      args: command.args,
      cwd: spec.cwd,
      // Ours, and where the SDK has unpacked the transcript to resume from.
      env,
      unpacked: configDirectory === spec.environment.CLAUDE_CONFIG_DIR ? null : configDirectory,
      mark: spec.mark,
    });
    this.#channel = new AgentChannel(this.#child, this.#backlog, (reason) => this.#endFor(reason));
    return this.#channel.process;
  }

  /** Ends it for something that must not happen; whoever listens is told. */
  #endFor(reason: string): void {
    this.#offence ??= reason;
    this.#stop = this.kill();
    this.#stop.catch(() => {}); // thrown where `listen` ends
  }

  /** Resolves with the first message, or when the process has ended without one. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** It was told to end, or has ended: nothing more may be sent. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** It says nothing any more, by whose wish ever. */
  get hasEnded(): boolean {
    return this.#isEnding || this.#hasExited || (this.#channel?.hasEnded ?? false);
  }

  get #hasExited(): boolean {
    const { exitCode = null, signalCode = null } = this.#child ?? {};
    return exitCode !== null || signalCode !== null;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Sends a prompt; `id` comes back in the result that answers it. One that was sent before is ignored. */
  send(id: string, content: string | ContentBlock[]): void {
    this.#input.push({
      type: 'user',
      message: { role: 'user', content },
      parent_tool_use_id: null,
      uuid: id as NonNullable<SDKUserMessage['uuid']>,
    });
  }

  /**
   * Hands on everything that the agent says, until its process ends. `take` calls back when it is done with a message.
   * Throws AgentCrashedError when the process did not end by our wish.
   */
  async listen(take: (message: AgentMessage, taken: () => void) => void): Promise<void> {
    try {
      for await (const message of this.#query) {
        this.#ready.resolve();
        this.#backlog.waits();
        take(message, () => this.#backlog.taken());
      }
      if (this.#offence !== null) throw new Error(this.#offence);
    } catch (error) {
      // What the process printed last is only complete once it is gone.
      await forAtMost(TERMINATE_GRACE_MS, this.#child?.exited);
      const exhausted = this.#child?.exhausted() ?? null;
      const isLasting = exhausted !== null || this.#offence !== null;
      throw new AgentCrashedError(this.#describeEnd(error), { cause: error, exhausted, isLasting });
    } finally {
      this.#ready.resolve();
      this.#backlog.readerGone();
      // It ended by itself, and may have left tools running.
      if (!this.#isEnding) await this.kill();
      await this.#stop;
      // A child gives it up itself.
      if (this.#child === null) this.#sandbox.release();
    }
  }

  /** Until what it said is stored, no more is read from the process than can be held. `stored` never rejects. */
  holdFor(stored: Promise<void>): void {
    void this.#backlog.storing(stored);
  }

  #describeEnd(error: unknown): string {
    if (this.#offence !== null) return this.#offence;
    const stderr = this.#child?.stderrTail() ?? '';
    const reason = error instanceof Error ? error.message : String(error);
    return stderr === '' || reason.includes(stderr) ? reason : `${reason}: ${stderr}`;
  }

  /** Asks the agent to stop its turn, and to give back what it has not begun; it says so with a result. */
  async interrupt(): Promise<void> {
    // What was sent before it goes to the agent before it.
    await immediate();
    // The option is not in the SDK's types.
    const interrupt = this.#query.interrupt as (options: { cancelQueued: boolean }) => Promise<unknown>;
    await interrupt.call(this.#query, { cancelQueued: true });
  }

  /** Holds from the next model call on; undefined is the agent program's own choice. */
  async setModel(model: string | undefined): Promise<void> {
    // The query's own `setModel` asks the model something, to see whether it is there: that is billed.
    await this.#query.applyFlagSettings({ model: model === undefined ? null : this.#nameModel(model) });
  }

  /** @returns the mode that it is in then: not always the one that was asked for */
  async setPermissionMode(mode: PermissionMode): Promise<string> {
    const answer = await this.#query.setPermissionMode(mode);
    return answer?.mode ?? mode;
  }

  /**
   * Allows what is granted by now beside what its options allow, and nothing that was and no longer is. One reading comes
   * after the other, so that the newest holds.
   */
  async grant(readRules: () => Promise<readonly string[]>): Promise<void> {
    const before = this.#granting;
    const after = (async () => {
      await before.catch(() => {}); // its own caller is told
      const allow = [...allowedRules(this.#spec), ...(await readRules())];
      await this.#unlessEnded(this.#query.applyFlagSettings({ permissions: { allow } }));
    })();
    this.#granting = after;
    await after;
  }

  /** Stops one background task, or one subagent that its turn waits for. */
  async stopTask(taskId: string): Promise<void> {
    await this.#unlessEnded(this.#query.stopTask(taskId));
  }

  /** A process that ends meanwhile need not do it any more. */
  async #unlessEnded(asked: Promise<unknown>): Promise<void> {
    try {
      await asked;
    } catch (error) {
      if (!this.hasEnded) throw error;
    }
  }

  /** Ends the process before it can say or note another word. */
  async destroy(): Promise<void> {
    this.#isEnding = true;
    await this.#child?.destroy();
    this.#input.end();
    this.#query.close();
  }

  /** Ends an idle process in good order, and whatever it left running. */
  async close(): Promise<void> {
    this.#isEnding = true;
    this.#input.end();
    this.#query.close();
    if (this.#child === null) return;
    await forAtMost(CLOSE_GRACE_MS, this.#child.exited);
    await this.#child.destroy();
  }

  /** Ends the process now, whatever it does: SIGTERM, so that it ends its tools, and SIGKILL soon after. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    this.#input.end();
    if (this.#child !== null) {
      this.#child.kill('SIGTERM');
      await forAtMost(TERMINATE_GRACE_MS, this.#child.exited);
      await this.#child.destroy();
    }
    this.#query.close();
  }
}
