import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Goal, p99Goal } from './filled-goals.ts';
import type { FilledServer } from './filled-server.ts';

const ROUTE_MS = 20;
const WARM_UP = 20;
const ROUNDS = 200;
const EXECUTIONS = 100;
const HELD_MS = 50;

/** Reads, one at a time. */
export async function* measureReads(server: FilledServer): AsyncGenerator<Goal> {
  const { usual } = server.landmarks;
  const reads: Record<string, string> = {
    // What the machine itself takes: beside it the others can be judged.
    'health, of which nothing is asked': '/healthz',
    'list of sessions': '/sessions/?limit=50',
    'list of summaries': '/sessions/summaries?limit=50',
    'one session': `/sessions/${usual}`,
    status: `/status/${usual}`,
    'events page': `/sessions/${usual}/events?limit=100`,
    usage: '/usage',
    approvals: '/approvals',
    'approvals of a rare kind': '/approvals?kind=client_tool',
    audit: '/audit',
    'audit of a rare action': '/audit?action=sign_out',
    'audit since a time': `/audit?from=${new Date(Date.now() - 24 * 3600 * 1_000).toISOString()}`,
    'api-keys': '/api-keys',
  };
  for (const [what, path] of Object.entries(reads)) {
    const times: number[] = [];
    for (let n = 0; n < WARM_UP + ROUNDS; n++) {
      const { ms } = await server.call('GET', path);
      if (n >= WARM_UP) times.push(ms);
      // What takes a second each time need not be asked so often to be known.
      if (times.length >= 20 && times.reduce((sum, one) => sum + one) > 20_000) break;
    }
    yield p99Goal(what, times, ROUTE_MS);
  }
}

/** Each is cancelled, and the machine quiet again, before the next one. */
export async function measureExecute(server: FilledServer): Promise<Goal> {
  const times: number[] = [];
  for (let n = 0; n < WARM_UP + EXECUTIONS; n++) {
    const { ms, text } = await server.call('POST', '/execute/', { body: { prompt: 'hello' } });
    if (n >= WARM_UP) times.push(ms);
    const { session_id } = JSON.parse(text);
    await server.call('POST', `/cancel/${session_id}`).catch((error: Error) => {
      // It was faster.
      if (!error.message.includes('session_not_running')) throw error;
    });
    await delay(200);
  }
  return p99Goal('execute', times, ROUTE_MS);
}

export async function* measureLongSession(server: FilledServer): AsyncGenerator<Goal> {
  const { long } = server.landmarks;
  const { last_seq } = JSON.parse((await server.call('GET', `/sessions/${long}`)).text);
  const asked: Record<string, () => Promise<{ firstByteMs: number; ms: number }>> = {
    status: async () => await server.call('GET', `/status/${long}`),
    'page of 1,000 events': async () => await server.call('GET', `/sessions/${long}/events?limit=1000`),
    stream: async () =>
      await server.call('GET', `/sessions/${long}/events`, {
        accept: 'text/event-stream',
        until: `id: ${last_seq}\n`,
      }),
  };
  for (const [what, ask] of Object.entries(asked)) {
    const times = [];
    for (let n = 0; n < 10; n++) times.push(await ask());
    const value = Math.max(...times.map(({ firstByteMs }) => firstByteMs));
    const note = `whole in ${Math.max(...times.map(({ ms }) => ms)).toFixed(0)} ms at most`;
    yield {
      goal: `first byte of a session of ${last_seq} events, ${what}`,
      value,
      limit: 300,
      unit: 'ms',
      note,
    };
  }
}

/** Since it was asked last. */
export async function measureLoop(server: FilledServer, during: string): Promise<Goal> {
  const { heldMs } = await server.figures();
  return { goal: `event loop held, ${during}`, value: heldMs, limit: HELD_MS, unit: 'ms' };
}

export async function measureRest(server: FilledServer): Promise<Goal> {
  await delay(10_000);
  const { residentMb } = await server.figures();
  return { goal: 'memory of the server at rest', value: residentMb, limit: 200, unit: 'MB' };
}

type LogEnd = { session_id: string; last_seq: number };

const SESSIONS = 400;
const STREAMS = 2_000;

export async function* measureStreams(server: FilledServer): AsyncGenerator<Goal> {
  const sessions: LogEnd[] = [];
  let path = '/sessions/summaries?limit=200&archived=any';
  while (sessions.length < SESSIONS) {
    const { summaries, next } = JSON.parse((await server.call('GET', path)).text);
    sessions.push(...summaries);
    if (next === null) break;
    path = `/sessions/summaries?limit=200&archived=any&cursor=${next}`;
  }
  // The first ones pay for what all share, compiled code above all.
  const first = await openStreams(server, sessions, 200);
  const before = await settled(server);
  const sockets = await openStreams(server, sessions, STREAMS);
  const open = await settled(server);
  for (const socket of [...first, ...sockets]) socket.destroy();
  const closed = await settled(server);
  const each = (mb: number): number => Math.max(0, (mb - before) * 1_024) / STREAMS;
  yield {
    goal: 'memory of an idle stream',
    value: each(open),
    limit: 25,
    unit: 'KB',
    note: `${STREAMS} over ${sessions.length} sessions`,
  };
  yield { goal: 'memory that is left of one when it is closed', value: each(closed), limit: 25, unit: 'KB' };
}

/** Memory, once nothing has been given back for a while. */
async function settled(server: FilledServer): Promise<number> {
  await delay(10_000);
  return (await server.figures()).residentMb;
}

/** From the end of each log on. */
async function openStreams(
  server: FilledServer,
  sessions: readonly LogEnd[],
  count: number,
): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let n = 0; n < count; n++) {
    const socket = connect(Number(server.url.port), server.url.hostname);
    const { session_id: id, last_seq } = sessions[n % sessions.length] as LogEnd;
    socket.write(
      `GET /sessions/${id}/events?after=${last_seq} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n` +
        `authorization: ${server.headers.authorization}\r\n\r\n`,
    );
    const [head] = await once(socket, 'data');
    if (!String(head).includes(' 200 ')) throw new Error(`a stream was refused: ${head}`);
    socket.resume();
    sockets.push(socket);
  }
  return sockets;
}

/** Three sessions that get one turn after the other. @returns the memory every few seconds */
export async function workThreeSessions(server: FilledServer, ms: number): Promise<number[]> {
  const until = performance.now() + ms;
  const resident: number[] = [];
  const work = async (): Promise<void> => {
    let session: { resume_session_id: string } | object = {};
    while (performance.now() < until) {
      const { text } = await server.call('POST', '/execute/', { body: { prompt: 'hello', ...session } });
      const { session_id: id } = JSON.parse(text);
      session = { resume_session_id: id };
      while (
        !['completed', 'error'].includes(
          JSON.parse((await server.call('GET', `/sessions/${id}`)).text).status,
        )
      )
        await delay(100);
    }
  };
  const watch = async (): Promise<void> => {
    while (performance.now() < until) {
      await delay(Math.min(5_000, ms / 12));
      resident.push((await server.figures()).residentMb);
    }
  };
  await Promise.all([work(), work(), work(), watch()]);
  return resident;
}

/** The oldest tenth of the filled sessions, while somebody else asks for something at a time. */
export async function* measureCleanup(server: FilledServer): AsyncGenerator<Goal> {
  const { usual } = server.landmarks;
  let isDone = false;
  const begin = performance.now();
  const cleanup = server.call('DELETE', '/sessions/cleanup?max_age_hours=1946').finally(() => {
    isDone = true;
  });
  cleanup.catch(() => {});
  const paths = [
    '/sessions/?limit=50',
    `/sessions/${usual}`,
    `/sessions/${usual}/events`,
    '/approvals',
    '/audit',
    '/healthz',
  ];
  let longest = { ms: 0, path: '' };
  while (!isDone) {
    for (const path of paths) {
      const { ms } = await server.call('GET', path);
      if (ms > longest.ms) longest = { ms, path };
    }
    await delay(20);
  }
  const seconds = (performance.now() - begin) / 1_000;
  const note = (await cleanup).text.slice(0, 200);
  yield { goal: 'cleanup of the oldest tenth of the sessions', value: seconds, limit: 60, unit: 's', note };
  yield {
    goal: 'another request meanwhile, longest',
    value: longest.ms,
    limit: 50,
    unit: 'ms',
    note: longest.path,
  };
}
