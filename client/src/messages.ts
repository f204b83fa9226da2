import { type CallOptions, type CreateOptions, type Http, path } from './http.ts';
import { followPages } from './pages.ts';
import type { MessageEdit, MessageRequest, Turn } from './types.ts';

/** What is said to a session that may be busy. Each message is a turn of its own, unless it steers the running one. */
export class Messages {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Gives the session a message; to one that is idle it is its next turn. */
  async send(sessionId: string, message: MessageRequest, options: CreateOptions = {}): Promise<Turn> {
    return await this.#http.create(path`/sessions/${sessionId}/messages`, message, options);
  }

  /** Those that wait, in the order in which they will run. */
  async list(sessionId: string, options: CallOptions = {}): Promise<Turn[]> {
    const url = path`/sessions/${sessionId}/messages`;
    const pages = followPages<Turn, string>(async (after) => {
      const call = { query: { after }, ...options };
      const page = await this.#http.json<{ messages: Turn[]; next: string | null }>('GET', url, call);
      return { items: page.messages, next: page.next };
    });
    const messages: Turn[] = [];
    for await (const message of pages) messages.push(message);
    return messages;
  }

  /** Changes what a waiting message says, how it is delivered, or where it stands. `message_not_queued` when the agent has it. */
  async edit(sessionId: string, turnId: string, edit: MessageEdit, options: CallOptions = {}): Promise<Turn> {
    const url = path`/sessions/${sessionId}/messages/${turnId}`;
    return await this.#http.json('PATCH', url, { json: edit, ...options });
  }

  /** Takes a waiting message back. */
  async remove(sessionId: string, turnId: string, options: CallOptions = {}): Promise<Turn> {
    return await this.#http.json('DELETE', path`/sessions/${sessionId}/messages/${turnId}`, options);
  }
}
