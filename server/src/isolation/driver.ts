import type { Readable, Writable } from 'node:stream';

/** What to run, exactly: nothing of the server's own environment is added. */
export type AgentCommand = {
  command: string;
  args: string[];
  cwd: string;
  env: Record<string, string>;
  /** Marks every process of one activation in its environment, so that strays can be found. */
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

/** What an agent process runs inside. */
export interface IsolationDriver {
  readonly name: string;
  /** Whether `permission_mode: bypassPermissions` is safe enough to be allowed as root. */
  readonly confines: boolean;
  spawn(command: AgentCommand): AgentChild;
  /** Ends what an earlier server on the same data directory left behind. @returns how many processes */
  sweep(markPrefix: string): Promise<number>;
}
