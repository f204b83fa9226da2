import assert from 'node:assert/strict';

export type Sent = { method: string; url: string; headers: Headers; body: unknown };

/** A `fetch` that gives these answers one after the other, and keeps what it was asked. */
export function scriptedFetch(
  ...answers: ((sent: Sent, signal: AbortSignal) => Response | Promise<Response>)[]
): {
  fetch: typeof fetch;
  sent: Sent[];
} {
  const sent: Sent[] = [];
  const send = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    const signal = init.signal ?? new AbortController().signal;
    signal.throwIfAborted();
    const request = {
      method: init.method ?? 'GET',
      url: String(url),
      headers: new Headers(init.headers as Record<string, string>),
      body: init.body,
    };
    sent.push(request);
    return await (answers.shift() ?? assert.fail(`one request too many: ${request.method} ${url}`))(
      request,
      signal,
    );
  };
  return { fetch: send as typeof fetch, sent };
}

export const json =
  (status: number, body: unknown, headers: Record<string, string> = {}) =>
  (): Response =>
    new Response(JSON.stringify(body), {
      status,
      headers: { 'content-type': 'application/json', ...headers },
    });

export const noConnection = (): Response => {
  throw new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
};

/** An answer that never comes, until the request is aborted. */
export const silence = async (_sent: Sent, signal: AbortSignal): Promise<Response> =>
  await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));

/** A stream of these chunks, which then stays open (`open`), ends (`closed`) or breaks off (`broken`). */
export const eventStream =
  (end: 'open' | 'closed' | 'broken', ...chunks: string[]) =>
  (_sent: Sent, signal: AbortSignal): Response => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        signal.addEventListener('abort', () => controller.error(signal.reason));
      },
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk !== undefined) return controller.enqueue(new TextEncoder().encode(chunk));
        if (end === 'closed') controller.close();
        if (end === 'broken') controller.error(new TypeError('terminated'));
        return end === 'open' ? new Promise(() => {}) : undefined;
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
  };
