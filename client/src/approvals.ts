import { type CallOptions, type Http, path } from './http.ts';
import { followPages } from './pages.ts';
import type { Approval, ApprovalAnswer, ApprovalKind, ApprovalStatus, ToolResult } from './types.ts';

export type ApprovalFilter = {
  status?: ApprovalStatus | undefined;
  kind?: ApprovalKind | undefined;
  session_id?: string | undefined;
};

/** What agents wait on, and the answers. The first answer wins: a later one is a `GreenroomError` `approval_decided`. */
export class Approvals {
  readonly #http: Http;

  constructor(http: Http) {
    this.#http = http;
  }

  /** Newest first. Reads further pages as the loop gets to them. */
  list(
    filter: ApprovalFilter & { pageSize?: number } = {},
    options: CallOptions = {},
  ): AsyncGenerator<Approval, void> {
    const { pageSize: limit, ...query } = filter;
    return followPages<Approval, string>(async (cursor) => {
      const page = await this.#http.json<{ approvals: Approval[]; next: string | null }>(
        'GET',
        '/approvals',
        {
          query: { ...query, limit, cursor },
          ...options,
        },
      );
      return { items: page.approvals, next: page.next };
    });
  }

  async get(approvalId: string, options: CallOptions = {}): Promise<Approval> {
    return await this.#http.json('GET', path`/approvals/${approvalId}`, options);
  }

  /**
   * Lets the agent make the call, or begin with its plan (`permission_mode`: how it goes on then). `scope: 'session'`:
   * calls like it are not asked for again, those that `rules` cover instead of the suggested ones.
   */
  async allow(
    approvalId: string,
    answer: Omit<
      Extract<ApprovalAnswer, object>,
      'decision' | 'message' | 'interrupt' | 'answers' | 'result'
    > = {},
    options: CallOptions = {},
  ): Promise<Approval> {
    return await this.#decide(approvalId, { decision: 'allow', ...answer }, options);
  }

  /** The model reads the message; `interrupt` also ends the turn. */
  async deny(
    approvalId: string,
    answer: { message?: string; interrupt?: boolean } = {},
    options: CallOptions = {},
  ): Promise<Approval> {
    return await this.#decide(approvalId, { decision: 'deny', ...answer }, options);
  }

  /** Answers a `question`: by the text of each question. */
  async answer(
    approvalId: string,
    answers: Record<string, string | string[]>,
    options: CallOptions = {},
  ): Promise<Approval> {
    return await this.#decide(approvalId, { answers }, options);
  }

  /** Gives what a `client_tool` gave. */
  async result(approvalId: string, result: ToolResult, options: CallOptions = {}): Promise<Approval> {
    return await this.#decide(approvalId, { result }, options);
  }

  async #decide(approvalId: string, answer: ApprovalAnswer, options: CallOptions): Promise<Approval> {
    return await this.#http.json('POST', path`/approvals/${approvalId}`, { json: answer, ...options });
  }
}
