import { once } from 'node:events';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

export type DemoModelOptions = {
  /** How fast it writes; `Infinity` is as fast as possible. 60 unless told otherwise. */
  tokensPerSecond?: number;
};

/**
 * A rule-based stand-in for Claude that speaks the Messages API, so that the real Agent SDK and the real `claude`
 * program run without a key. It says of itself that it is not Claude.
 *
 * | In the prompt | What it does |
 * | --- | --- |
 * | `introduce yourself`, `help` | says what it is, what it can do, and how to use a real model |
 * | `count from 1 to N` | counts, one number a line, or with commas when the prompt says so (at most 100,000 numbers) |
 * | `my name is X`, `I am X`, `my … is …`, `remember that …` | remembers for the session |
 * | `what is my name?`, `what is my …?`, `what did I tell you?` | recalls it |
 * | `what is 2 + 2?` | calculates |
 * | `run: COMMAND` | Bash |
 * | `create a file NAME with CONTENT`, `write CONTENT to NAME` | Write |
 * | `read NAME` | Read |
 * | `edit NAME replace A with B` | Read, then Edit |
 * | `fetch URL` | WebFetch |
 * | `ask me: QUESTION? A, B or C` | AskUserQuestion; with `and/or`, several may be chosen |
 * | `plan: TEXT` | ExitPlanMode |
 * | `delegate: TASK` | Agent |
 * | `use NAME {"json": "input"}` | any other tool, MCP tools too |
 * | `… then …`, or a new line | calls one after the other |
 * | `… and also …` | calls side by side, in one message |
 *
 * Directives in the latest prompt ask for faults. Each holds for that prompt alone:
 *
 * | Directive | What happens |
 * | --- | --- |
 * | `[demo:error 529]` | this HTTP status, on every request (400, 401, 402, 403, 404, 413, 429, 500, 504, 529) |
 * | `[demo:error 529 x2]` | on the first 2 requests, then it answers |
 * | `[demo:error 429 retry-after 3]` | with that header; combines with `x2` |
 * | `[demo:hang]` | takes the request and never answers |
 * | `[demo:stall]` | streams half of the answer and goes silent |
 * | `[demo:cut]`, `[demo:cut x2]` | drops the connection half way, once or that often |
 * | `[demo:refuse]` | refuses, as safety rules have a model do |
 * | `[demo:empty]` | answers without a word |
 * | `[demo:slow 5]` | writes 5 tokens a second |
 * | `[demo:think]` | thinks before it answers |
 * | `[demo:say TEXT]` | answers exactly TEXT (without `]`) |
 *
 * What the Messages API refuses it refuses as well, see check-request.ts. Models are known by name, see model-limits.ts.
 * Tokens are an estimate: 4 characters each in the request, up to 6 of a word in the answer.
 */
export class DemoModel {
  readonly url: string;
  readonly #thread: Worker;

  constructor(thread: Worker, port: number) {
    this.url = `http://127.0.0.1:${port}`;
    this.#thread = thread;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread.terminate();
  }
}

/** In a thread of its own: it reads whatever agents send, and the server must not wait for that. */
export async function startDemoModel({ tokensPerSecond = 60 }: DemoModelOptions = {}): Promise<DemoModel> {
  const file = new URL(`./thread${extname(import.meta.url)}`, import.meta.url);
  const thread = new Worker(file, { workerData: { tokensPerSecond }, execArgv: [] });
  const [port] = await once(thread, 'message');
  return new DemoModel(thread, port);
}
