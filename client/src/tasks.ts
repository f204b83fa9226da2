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

  async stop(
    sessionId: string,
    taskId: string,
    options: CallOptions = {},
  ): Promise<Pick<Task, 'task_id' | 'status'>> {
    return await this.#http.json('POST', path`/sessions/${sessionId}/tasks/${taskId}/stop`, options);
  }
}
