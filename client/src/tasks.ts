import { type CallOptions, type Http, path } from './http.ts';
import type { Task } from './types.ts';

/** What a session's agent does in the background. */
export class Tasks {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  async list(sessionId: string, options: CallOptions = {}): Promise<Task[]> {
    const url = path`/sessions/${sessionId}/tasks`;
    return (await this.#http.json<{ tasks: Task[] }>('GET', url, options)).tasks;
  }

  /** The task as it was; the agent tells of its end in the stream, in an `sdk` event (`task_notification`). */
  async stop(sessionId: string, taskId: string, options: CallOptions = {}): Promise<Task> {
    return await this.#http.json('POST', path`/sessions/${sessionId}/tasks/${taskId}/stop`, options);
  }
}
