import assert from 'node:assert/strict';
import type { TestServer } from './harness.ts';

/** What a page of the server itself makes a browser say. */
export const ownPage = (server: { url: string }): Record<string, string> => ({
  origin: server.url,
  'sec-fetch-site': 'same-origin',
});

/** A browser as far as the server sees one: it keeps the cookies that it is given, and sends them along. */
export class Browser {
  readonly #server: Pick<TestServer, 'url'>;
  readonly cookies = new Map<string, string>();

  constructor(server: Pick<TestServer, 'url'>) {
    this.#server = server;
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async send(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<Response> {
    const answer = await fetch(this.#server.url + path, {
      method,
      headers: {
        ...(this.cookies.size === 0 ? {} : { cookie: this.cookie }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
    });
    this.#keep(answer);
    return answer;
  }

  /** From a page of the server. */
  async ask(method: string, path: string, body?: unknown): Promise<Response> {
    return await this.send(method, path, ownPage(this.#server), body);
  }

  async signIn(body: { api_key: string } | { code: string }): Promise<Response> {
    return await this.ask('POST', '/sign-in', body);
  }

  /** An event stream that has begun. @returns a promise of its end, by whichever side */
  async openStream(path: string): Promise<{ ended: Promise<void> }> {
    const answer = await this.send('GET', path, {
      accept: 'text/event-stream',
      'sec-fetch-site': 'same-origin',
    });
    assert.equal(answer.status, 200);
    const reader = answer.body?.getReader() ?? assert.fail('no stream');
    await reader.read();
    const drain = async (): Promise<void> => {
      while (!(await reader.read()).done);
    };
    // Cut off in the middle, it ends with an error.
    return { ended: drain().catch(() => {}) };
  }

  #keep(answer: Response): void {
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/; Max-Age=0;/.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
  }
}

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
export async function readJson(answer: Response): Promise<any> {
  return await answer.json();
}
