import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { AppError } from '../ground/errors.ts';
import { ByteReader } from './byte-reader.ts';

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const STDERR_TAIL_CHARACTERS = 2_000;

// Whatever configuration, hook, filter or helper somebody could have planted has no way in.
const SETTINGS = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.attributesFile=/dev/null',
  'core.excludesFile=/dev/null',
  'core.quotePath=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'protocol.allow=never',
].flatMap((setting) => ['-c', setting]);

export type GitOptions = {
  /** What goes to its standard input; without it the caller writes there, or nobody. */
  input?: string | Buffer;
  env?: Record<string, string>;
  /** Inherited as descriptor 3. */
  descriptor?: number;
  /** Output beyond it is cut, and the program ended. */
  maxBytes?: number;
};

export type GitOutput = { output: Buffer; truncated: boolean };

/**
 * A bare repository of ours that git keeps objects in and compares them. Git never sees a workspace: its files are read
 * and written by `Directory`, since git opens paths, and an agent could swap a directory for a link in the middle.
 */
export class GitRepository {
  readonly directory: string;
  readonly #path: string;

  constructor({ directory, path }: { directory: string; path: string }) {
    this.directory = directory;
    this.#path = path;
  }

  get exists(): boolean {
    return existsSync(join(this.directory, 'HEAD'));
  }

  async create(): Promise<void> {
    if (this.exists) return;
    const unfinished = `${this.directory}.${randomUUID()}`;
    await mkdir(unfinished, { recursive: true, mode: 0o700 });
    const repository = new GitRepository({ directory: unfinished, path: this.#path });
    try {
      await repository.run(['init', '--bare', '--quiet', '--template=', '--object-format=sha1']);
      await rename(unfinished, this.directory);
    } catch (error) {
      await rm(unfinished, { recursive: true, force: true });
      throw error;
    }
  }

  async run(args: readonly string[], options: GitOptions = {}): Promise<GitOutput> {
    using git = this.start(args, options);
    const { maxBytes = MAX_OUTPUT_BYTES } = options;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of git.stdout as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) return { output: Buffer.concat(chunks).subarray(0, maxBytes), truncated: true };
    }
    await git.exited;
    return { output: Buffer.concat(chunks), truncated: false };
  }

  /** A program to talk with; ended at the end of its scope. */
  start(args: readonly string[], { input, env, descriptor }: GitOptions = {}): GitProcess {
    const child = spawn('git', [...SETTINGS, ...args], {
      cwd: this.directory,
      env: { ...this.#environment, ...env },
      stdio: ['pipe', 'pipe', 'pipe', descriptor ?? 'ignore'],
    }) as unknown as ChildProcessByStdio<Writable, Readable, Readable>;
    const git = new GitProcess(child, args.join(' '));
    if (input !== undefined) git.stdin.end(input);
    return git;
  }

  get #environment(): Record<string, string> {
    return {
      PATH: this.#path,
      HOME: join(this.directory, 'no-home'),
      GIT_DIR: this.directory,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      GIT_OPTIONAL_LOCKS: '0',
      GIT_NO_LAZY_FETCH: '1',
      LC_ALL: 'C',
    };
  }
}

export class GitProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #timer: NodeJS.Timeout;
  /** Rejects when it failed, or was ended for taking too long. */
  readonly exited: Promise<void>;
  #stderr = '';

  constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, command: string) {
    this.#child = child;
    this.#timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS).unref();
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_TAIL_CHARACTERS);
    });
    // It may end before it has read all: its exit says why.
    child.stdin.on('error', () => {});
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? noGit(error) : error),
    );
    child.once('close', (code, signal) => {
      clearTimeout(this.#timer);
      if (code === 0) return resolve();
      reject(new Error(`git ${command} ended with ${signal ?? code}: ${this.#stderr.trim()}`));
    });
    this.exited = promise;
    this.exited.catch(() => {});
  }

  get stdin(): Writable {
    return this.#child.stdin;
  }
  get stdout(): Readable {
    return this.#child.stdout;
  }

  /** Its output, of which there is one reader. */
  read(): ByteReader {
    return new ByteReader(this.stdout, this.exited);
  }

  /** Waits while the program has enough to read; rejects when it is gone. */
  async write(data: string | Buffer): Promise<void> {
    if (this.stdin.write(data)) return;
    const drained = new Promise<void>((resolve) => this.stdin.once('drain', resolve));
    await Promise.race([drained, this.exited]);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGKILL');
  }
}

function noGit(cause: unknown): AppError {
  return new AppError('not_supported', 'The program git is not installed on this server.', {
    cause,
    hint: 'changes and rewind need it: install git',
  });
}
