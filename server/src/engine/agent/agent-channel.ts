import { Readable, Writable } from 'node:stream';
import type { SpawnedProcess } from '@anthropic-ai/claude-agent-sdk';
import { errorMessage } from '../../ground/errors.ts';
import type { AgentChild } from '../isolation/driver.ts';
import { readAgentLine, UnfitLineError } from './agent-line.ts';
import type { Backlog } from './backlog.ts';
import { LineReader } from './line-reader.ts';

/** A message that the model can take (32 MB), which comes with the tool's own record of the same. */
const MAX_LINE_BYTES = 64 * 2 ** 20;
/** What an agent asks may wait for a person; how much of that, at once. */
const MAX_QUESTIONS = 1_000;
const MAX_QUESTION_BYTES = 64 * 2 ** 20;
/** Three prompts of the largest size that a client may send. */
const MAX_UNREAD_BYTES = 64 * 2 ** 20;

/**
 * Stands between an agent program and the SDK, both ways. Agents are not trusted, and may speak in the program's place;
 * the SDK takes what it reads for the program's word, and keeps it without bound. So what the SDK is not made for is
 * refused here, what nobody waits for is left out, and the program is read only as fast as its words are stored.
 */
export class AgentChannel {
  /** What the SDK takes for the process. */
  readonly process: SpawnedProcess;
  readonly #child: AgentChild;
  readonly #backlog: Backlog;
  readonly #onOffence: (reason: string) => void;
  readonly #output = new Readable({ objectMode: true, read: () => {} });
  readonly #input: Writable;
  /** What the program asked and was not answered: id → bytes. */
  readonly #questions = new Map<string, number>();
  #questionBytes = 0;
  /** What the SDK asked and the program did not answer. */
  readonly #expected = new Set<string>();
  #hasOffended = false;
  #hasEnded = false;

  constructor(child: AgentChild, backlog: Backlog, onOffence: (reason: string) => void) {
    this.#child = child;
    this.#backlog = backlog;
    this.#onOffence = onOffence;
    this.#input = new Writable({
      decodeStrings: false,
      write: (text: string, _encoding, done) => this.#write(text, done),
      final: (done) => void child.stdin.end(done),
    });
    for (const stream of [this.#input, this.#output]) stream.on('error', () => {});
    child.stdin.on('error', (error) => this.#input.destroy(error));
    this.process = spawnedProcess(child, { stdin: this.#input, stdout: this.#output });
    void this.#read();
  }

  async #read(): Promise<void> {
    const lines = new LineReader(MAX_LINE_BYTES);
    try {
      for await (const chunk of this.#child.stdout) {
        for (const line of lines.read(chunk)) await this.#pass(line);
      }
      await this.#pass(lines.rest());
    } catch (error) {
      if (error instanceof UnfitLineError) this.#offend(`the agent said ${errorMessage(error)}`);
      // The end of the process says as much as an error of its pipe.
      else if (!isPipeError(error)) this.#offend(`the agent cannot be read: ${errorMessage(error)}`);
    } finally {
      this.#hasEnded = true;
      this.#output.push(null);
    }
  }

  /** The program says nothing any more. Known before the SDK gives up what it had asked. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  async #pass(line: Buffer): Promise<void> {
    if (isBlank(line)) return;
    const { text, type, controlId } = readAgentLine(line);
    const isWanted =
      type === 'control_response' ? this.#expected.delete(controlId ?? '') : this.#isHeard(type);
    if (!isWanted) return;
    if (type === 'control_request') this.#noteQuestion(controlId ?? '', line.length);
    this.#output.push(`${text}\n`);
    this.#backlog.add(line.length);
    await this.#backlog.room();
  }

  /** Whether somebody listens: to the end, the transcript is written down and questions are answered. */
  #isHeard(type: string): boolean {
    return this.#backlog.hasReader || type === 'transcript_mirror' || type.startsWith('control_');
  }

  #noteQuestion(id: string, bytes: number): void {
    if (this.#questions.has(id)) throw new UnfitLineError('two questions of one id');
    this.#questionBytes += bytes;
    this.#questions.set(id, bytes);
    if (this.#questions.size > MAX_QUESTIONS || this.#questionBytes > MAX_QUESTION_BYTES)
      throw new UnfitLineError('more questions than are answered at once');
  }

  #write(text: string, done: () => void): void {
    this.#noteControl(text);
    this.#child.stdin.write(text);
    if (this.#child.stdin.writableLength > MAX_UNREAD_BYTES)
      this.#offend('the agent does not read what it is sent');
    done();
  }

  /** Each write of the SDK is one message. */
  #noteControl(text: string): void {
    // Prompts can be long, and are no part of this.
    if (text.startsWith('{"type":"user"')) return;
    const { type, request_id, response } = JSON.parse(text);
    if (type === 'control_request') this.#expected.add(request_id);
    if (type !== 'control_response') return;
    this.#questionBytes -= this.#questions.get(response.request_id) ?? 0;
    this.#questions.delete(response.request_id);
  }

  #offend(reason: string): void {
    if (this.#hasOffended) return;
    this.#hasOffended = true;
    this.#onOffence(reason);
  }
}

function isPipeError(error: unknown): boolean {
  return error instanceof Error && 'code' in error;
}

function isBlank(line: Buffer): boolean {
  return line.length < 64 && line.toString().trim() === '';
}

function spawnedProcess(
  child: AgentChild,
  { stdin, stdout }: { stdin: Writable; stdout: Readable },
): SpawnedProcess {
  return {
    stdin,
    stdout,
    get killed() {
      return child.killed;
    },
    get exitCode() {
      return child.exitCode;
    },
    get signalCode() {
      return child.signalCode;
    },
    kill: (signal) => child.kill(signal),
    on: child.on.bind(child),
    once: child.once.bind(child),
    off: child.off.bind(child),
  };
}
