import type { Readable, Writable } from 'node:stream';
import type { HeldDirectory } from '../../ground/util/held-directory.ts';
import type { EgressPlan } from './egress.ts';

/** What to run, exactly: nothing of the server's own environment is added. */
export type AgentCommand = {
  command: string;
  args: string[];
  /** As the agent sees it. */
  cwd: string;
  env: Record<string, string>;
  /** Where on this machine a transcript was unpacked that the agent resumes from, under the same path inside. */
  unpacked: string | null;
  /** Marks the processes of one activation in their environment, so that strays can be found. */
  mark: string;
};

export type AgentExit = { code: number | null; signal: NodeJS.Signals | null };

/** A running agent process. Its standard error is kept only as a tail, for the message when it fails. */
export interface AgentChild {
  readonly pid: number | undefined;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly killed: boolean;
  readonly exitCode: number | null;
  readonly signalCode: NodeJS.Signals | null;
  /** Resolves when the process is gone and its output was read. */
  readonly exited: Promise<AgentExit>;
  stderrTail(): string;
  /** The limit that it ran into, such as "memory"; null when none is known. To be asked before `destroy`. */
  exhausted(): string | null;
  /** Signals the program alone: it ends its tools by itself. */
  kill(signal: NodeJS.Signals): boolean;
  /** Ends whatever is left of the activation, the program and all that it started; resolves when it is gone. */
  destroy(): Promise<void>;
  on(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
  once(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): void;
  once(event: 'error', listener: (error: Error) => void): void;
  off(event: 'exit', listener: (code: number | null, signal: NodeJS.Signals | null) => void): void;
  off(event: 'error', listener: (error: Error) => void): void;
}

/** What one activation's agent gets to see of this machine. The directories are there already. */
export type SandboxRequest = {
  home: string;
  temporary: string;
  /** Held until the agent has ended, by whoever asks. */
  workspace: HeldDirectory;
  /** Whether the workspace is the session's own, and not a directory of the operator's: that has the same path inside. */
  isManaged: boolean;
  /** The same paths inside; held as well. */
  additionalDirectories: readonly HeldDirectory[];
  /** Where it may connect to; null is nowhere, for a driver that can hold it off. */
  egress: EgressPlan | null;
  /** File with certificates that it is to trust beside the usual ones; null is none. */
  extraCaCerts: string | null;
};

/** Paths as the agent sees them. */
export type AgentView = {
  home: string;
  temporary: string;
  workspace: string;
  /** Where it reaches the model gateway; null is the gateway's address on loopback. */
  gatewaySocket: string | null;
  /** Hosts that it reaches without the proxy; null where it has none. */
  proxyExceptions: readonly string[] | null;
  /** File with certificates that it trusts beside the usual ones; null is none. */
  extraCaCerts: string | null;
};

/** What one agent process runs inside. */
export interface Sandbox {
  readonly view: AgentView;
  /** What its user should know of it, though the agent can work. */
  readonly warnings: readonly string[];
  /** Where the gateway has to listen for this agent alone; null: it needs no socket. */
  readonly socketPath: string | null;
  /** At most once. */
  spawn(command: AgentCommand): AgentChild;
  /** Gives up what was prepared. The end of the agent does so too. */
  release(): void;
}

export type SelfTest = {
  ok: boolean;
  /** What was tried, and what came of it. */
  detail: string[];
  /** What the operator can do. */
  hint: string | null;
};

export interface IsolationDriver {
  readonly name: string;
  /** Whether it holds an agent that nothing else holds, as with `permission_mode: bypassPermissions`. */
  readonly confines: boolean;
  /** What of it does not work here, though agents are confined. */
  readonly warnings: readonly string[];
  prepare(request: SandboxRequest): Promise<Sandbox>;
  /** Runs something real inside. */
  selfTest(): Promise<SelfTest>;
}
