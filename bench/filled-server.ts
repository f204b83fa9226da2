import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FLAGS, VARIABLES } from '../server/memory.js';
import type { FilledDirectory } from '../server/test/filled/directory.ts';
import { startChild } from './child.ts';
import type { ProcessFigures } from './process-watch.ts';

export type Timing = { firstByteMs: number; ms: number; status: number; text: string };

/** A server as its users start it, on a filled data directory. Its model API is a process of its own, as others' are. */
export type FilledServer = {
  url: URL;
  startMs: number;
  landmarks: FilledDirectory['landmarks'];
  headers: Record<string, string>;
  /** Fails unless it is answered with 2xx. `until`: of a stream, up to these characters. */
  call(
    method: string,
    path: string,
    options?: { body?: object; until?: string; accept?: string },
  ): Promise<Timing>;
  figures(): Promise<ProcessFigures>;
  [Symbol.asyncDispose](): Promise<void>;
};

export async function startFilledServer(
  directory: FilledDirectory,
  signal: AbortSignal,
): Promise<FilledServer> {
  await using stack = new AsyncDisposableStack();
  const model = stack.use(
    await startChild({
      script: fileURLToPath(import.meta.resolve('./demo-model.ts')),
      env: { PATH: '/usr/local/bin:/usr/bin:/bin', TOKENS_PER_SECOND: '1000000' },
      logPath: join(directory.path, 'model.log'),
      ready: /^listening at (http:\S+)/,
      signal,
    }),
  );
  const begin = performance.now();
  const child = await startChild({
    script: fileURLToPath(import.meta.resolve('../server/start.js')),
    // As it sets them by itself, when it begins again; the channel of `watch` would not survive that.
    flags: FLAGS,
    watch: import.meta.resolve('./process-watch.ts'),
    env: {
      ...VARIABLES,
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: directory.path,
      GREENROOM_DATA_DIR: directory.path,
      GREENROOM_PORT: '0',
      ANTHROPIC_API_KEY: 'the-demo-model-reads-none',
      ANTHROPIC_BASE_URL: model.match[1] ?? '',
      GREENROOM_IDLE_TTL: '2s',
      GREENROOM_MAX_SESSIONS: '3',
      GREENROOM_SHUTDOWN_GRACE: '0s',
      GREENROOM_ISOLATION: 'none',
    },
    logPath: join(directory.path, 'server.log'),
    ready: /^ {2}Greenroom \S+ {2}(http:\S+)/,
    signal,
  });
  const startMs = performance.now() - begin;
  stack.use(child);
  const resources = stack.move();
  const url = new URL(child.match[1] ?? '');
  const headers = { authorization: `Bearer ${directory.apiKey}` };
  const { landmarks } = directory;
  return {
    url,
    startMs,
    headers,
    landmarks,
    call: async (method, path, options = {}) =>
      await call(new URL(path, url), { method, headers, signal, ...options }),
    figures: async () => (await child.ask()) as ProcessFigures,
    [Symbol.asyncDispose]: async () => await resources.disposeAsync(),
  };
}

type Call = {
  method: string;
  headers: Record<string, string>;
  signal: AbortSignal;
  body?: object;
  until?: string;
  accept?: string;
};

async function call(url: URL, { method, headers, signal, body, until, accept }: Call): Promise<Timing> {
  const { promise, resolve, reject } = Promise.withResolvers<Timing>();
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const all = {
    ...headers,
    ...(accept === undefined ? {} : { accept }),
    ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
  };
  const begin = performance.now();
  const asked = request(url, { method, headers: all, signal }, (response) => {
    let firstByteMs = 0;
    let text = '';
    let newest = '';
    const end = (): void => {
      const status = response.statusCode ?? 0;
      const isGood = status >= 200 && status < 300;
      if (isGood) resolve({ firstByteMs, ms: performance.now() - begin, status, text });
      else reject(new Error(`${method} ${url.pathname}${url.search} answered ${status}: ${text}`));
    };
    response.setEncoding('utf8').on('data', (chunk: string) => {
      if (text === '') firstByteMs = performance.now() - begin;
      text += chunk;
      // In the newest alone: the whole may be very long.
      newest = newest.slice(-(until?.length ?? 0)) + chunk;
      if (until !== undefined && newest.includes(until)) {
        end();
        response.destroy();
      }
    });
    response.on('end', end).on('error', reject);
  });
  asked.on('error', reject);
  asked.end(sent);
  return await promise;
}
