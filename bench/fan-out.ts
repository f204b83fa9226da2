import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { boundMemory } from '../server/memory.js';
import { type Context, createContext } from '../server/src/context.ts';
import { createServer } from '../server/src/face/server.ts';
import { loadConfig } from '../server/src/ground/config/config.ts';
import { newSessionId } from '../server/src/ground/ids.ts';
import { createSilentLogger } from '../server/src/ground/log.ts';
import { EventLog } from '../server/src/session/event/event-log.ts';
import { insertSession } from '../server/src/session/store.ts';
import type { Report, Task } from './fan-out-subscribers.ts';
import { median, quantile } from './statistics.ts';

/*
 * One session's events to many subscribers, and how fast a long history is read:
 * `npm run bench:fan-out -- [--subscribers N] [--seconds N] [--json]`. The server and its PostgreSQL are in this
 * process and beside it; the subscribers are in a process of their own. Events are due at fixed times, whether the
 * server keeps up or not, and delays count from then. Exits with 0 when it could measure, whatever the numbers are.
 *
 * Memory has bounds as in a server, or V8 would set aside tens of MB for garbage while the subscribers come, and each of
 * them would seem to take part of that: the fewer they are, the more.
 */

boundMemory();

const EVENT_BYTES = 1_000;
const HISTORY = 10_000;
const READS = 15;
const PAGE = 1_000;
/** Deliveries a second, each step for `--seconds`. */
const STEPS = [10_000, 40_000, 100_000, 150_000, 200_000];
const GOALS = { deliveries: 100_000, subscriberKb: 25, historyMs: 150 };

const { values: flags } = parseArgs({
  options: {
    subscribers: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const subscribers = Number(flags.subscribers);
const seconds = Number(flags.seconds);

type Step = {
  /** Wanted, and got: deliveries a second. */
  rate: number;
  delivered: number;
  p50: number;
  p99: number;
  cpuPercent: number;
};
type Reading = { name: string; megabytes: number; p50: number; p90: number };
type Summary = { subscriberKb: number; steps: Step[]; readings: Reading[] };

type Bench = { context: Context; url: URL; append(sessionId: string, data: object): Promise<void> };

async function start(stack: AsyncDisposableStack): Promise<Bench> {
  const dataDir = await mkdtemp(join(tmpdir(), 'greenroom-bench-'));
  stack.defer(async () => await rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const { config } = loadConfig({
    flags: {},
    env: { GREENROOM_DATA_DIR: dataDir },
    cwd: '/',
    machine: { userDataDir: dataDir, isRoot: false, availableMemory: 2 ** 33, cores: availableParallelism() },
  });
  const logger = createSilentLogger();
  const context = stack.use(
    await createContext(config, {
      logger,
      agentPath: '/usr/bin:/bin',
      // The subscribers count frames.
      streamTimes: { heartbeatMs: 1e9 },
    }),
  );
  const server = await createServer(context);
  stack.defer(async () => await server.app.close());
  await server.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = server.app.server.address() as AddressInfo;
  const log = new EventLog({ db: context.database.db, bus: context.bus, logger });
  const append: Bench['append'] = async (sessionId, data) => {
    const event = {
      kind: 'sdk' as const,
      data: { type: 'assistant', ...data },
      turnId: null,
      at: new Date(),
    };
    await log.append(sessionId, 0, event);
  };
  return { context, url: new URL(`http://127.0.0.1:${port}`), append };
}

async function newSession({ context }: Bench): Promise<string> {
  const id = newSessionId();
  const session = {
    id,
    tenantId: 'default',
    options: {},
    cwd: null,
    title: null,
    metadata: {},
    apiKeyId: null,
    maxBudgetUsd: null,
  };
  await context.database.db.transaction().execute(async (trx) => await insertSession(trx, session));
  return id;
}

/** The process with the subscribers; answers each task with one report. */
class Subscribers {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(fileURLToPath(import.meta.resolve('./fan-out-subscribers.ts')));
  }

  async ask(task: Task): Promise<Report> {
    const answered = new AbortController();
    const { signal } = answered;
    const answer = once(this.#child, 'message', { signal });
    const end = once(this.#child, 'exit', { signal }).then(() => {
      throw new Error('the process with the subscribers ended; what it says is above');
    });
    this.#child.send(task);
    try {
      const [report] = await Promise.race([answer, end]);
      return report as Report;
    } finally {
      end.catch(() => {});
      answered.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#child.connected) return;
    const gone = once(this.#child, 'exit');
    this.#child.disconnect();
    await gone;
  }
}

async function residentKb(): Promise<number> {
  for (let pass = 0; pass < 4; pass++) {
    globalThis.gc?.();
    await delay(250);
  }
  return process.memoryUsage().rss / 1024;
}

async function measureFanOut(bench: Bench): Promise<Pick<Summary, 'subscriberKb' | 'steps'>> {
  await using clients = new Subscribers();
  const session = await newSession(bench);
  const path = `/sessions/${session}/events`;
  const open = async (count: number): Promise<void> => {
    const before = bench.context.streams.counts.live;
    await clients.ask({ type: 'open', host: bench.url.hostname, port: Number(bench.url.port), path, count });
    while (bench.context.streams.counts.live < before + count) await delay(20);
  };
  // The first ones pay for what all share, compiled code above all.
  const warmUp = Math.min(100, Math.ceil(subscribers / 10));
  await open(warmUp);
  const before = await residentKb();
  await open(subscribers - warmUp);
  const subscriberKb = ((await residentKb()) - before) / (subscribers - warmUp);
  await runStep(bench, { clients, session, rate: STEPS[0] ?? 0 });
  const steps: Step[] = [];
  for (const rate of STEPS) {
    steps.push(await runStep(bench, { clients, session, rate }));
    await delay(500);
  }
  return { subscriberKb, steps };
}

async function runStep(
  bench: Bench,
  step: { clients: Subscribers; session: string; rate: number },
): Promise<Step> {
  const { clients, session, rate } = step;
  const total = Math.round((rate / subscribers) * seconds);
  const interval = (seconds * 1_000) / total;
  const report = clients.ask({ type: 'measure', events: total, graceMs: 5_000 });
  const padding = 'x'.repeat(EVENT_BYTES - 200);
  const cpu = process.cpuUsage();
  const begin = Date.now() + 50;
  let sent = 0;
  while (sent < total) {
    const due = begin + sent * interval;
    const wait = due - Date.now();
    if (wait > 0) await delay(Math.max(1, Math.floor(wait)));
    // All that are due by now, each with the time at which it was.
    while (sent < total && begin + sent * interval <= Date.now()) {
      const at = begin + sent * interval;
      void bench.append(session, { message: { content: [{ type: 'text', text: padding }] }, bench_due: at });
      sent++;
    }
  }
  const { deliveries, delays, lastAt } = await report;
  const { user, system } = process.cpuUsage(cpu);
  const elapsed = (lastAt - begin) / 1_000;
  return {
    rate,
    delivered: deliveries / Math.max(elapsed, seconds),
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    cpuPercent: (user + system) / 10_000 / elapsed,
  };
}

async function measureHistory(bench: Bench): Promise<Reading[]> {
  const session = await newSession(bench);
  for (let n = 0; n < HISTORY; n += 500) {
    const batch = Array.from({ length: 500 }, async (_, index) => {
      // Log-uniform from 0.2 to 4 KB, as measured of real sessions.
      const bytes = Math.round(200 * 20 ** (((n + index) * 0.618034) % 1));
      const content = [{ type: 'text', text: 'lorem ipsum dolor '.repeat(bytes / 18) }];
      await bench.append(session, { message: { id: 'msg', role: 'assistant', content } });
    });
    await Promise.all(batch);
  }
  // As PostgreSQL does by itself within a minute; the numbers of a table that it knows nothing of say little.
  await bench.context.database.pool.query('analyze events');
  await using client = new Subscribers();
  const { origin } = bench.url;
  const base = `${origin}/sessions/${session}/events`;
  const get = async (url: string, accept = '*/*', until: string | null = null): Promise<Report> =>
    await client.ask({ type: 'read', url, accept, until });
  const readPages = async (): Promise<Report> => {
    const reports: Report[] = [];
    for (let after = 0; after < HISTORY; after += PAGE)
      reports.push(await get(`${base}?limit=${PAGE}&after=${after}`));
    const sum = (of: (report: Report) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    return { ...(reports[0] as Report), bytes: sum(({ bytes }) => bytes), ms: sum(({ ms }) => ms) };
  };
  return [
    await read('stream', async () => await get(base, 'text/event-stream', `id: ${HISTORY}\n`)),
    await read(`pages of ${PAGE}`, readPages),
    await read('GET /status', async () => await get(`${origin}/status/${session}`)),
  ];
}

async function read(name: string, readOnce: () => Promise<Report>): Promise<Reading> {
  const times: number[] = [];
  let megabytes = 0;
  for (let n = 0; n < READS + 3; n++) {
    const { bytes, ms } = await readOnce();
    megabytes = bytes / 1e6;
    if (n >= 3) times.push(ms);
    await delay(50);
  }
  return { name, megabytes, p50: median(times), p90: quantile(times, 0.9) };
}

function render({ subscriberKb, steps, readings }: Summary): string {
  const reached = Math.max(
    0,
    ...steps.filter((step) => step.delivered >= step.rate * 0.98 && step.p99 < 1_000).map(({ rate }) => rate),
  );
  const stream = readings[0]?.p50 ?? Number.NaN;
  const goal = (isMet: boolean, text: string): string => `  ${isMet ? 'met    ' : 'not met'}  ${text}`;
  const cell = (value: number, digits = 0): string => value.toFixed(digits).padStart(12);
  return [
    `Fan-out of one session to ${subscribers} subscribers, ${EVENT_BYTES} bytes per event, ${seconds} s per step`,
    `${availableParallelism()} cores for server, PostgreSQL and subscribers, Node ${process.version}`,
    '',
    `${'due/s'.padStart(12)}${'delivered/s'.padStart(12)}${'p50 ms'.padStart(12)}${'p99 ms'.padStart(12)}${'CPU %'.padStart(12)}`,
    ...steps.map(
      (step) =>
        `${cell(step.rate)}${cell(step.delivered)}${cell(step.p50, 1)}${cell(step.p99, 1)}${cell(step.cpuPercent)}`,
    ),
    '',
    `${HISTORY} stored events, ${READS} reads each:`,
    ...readings.map(
      ({ name, megabytes, p50, p90 }) =>
        `  ${name.padEnd(16)}${megabytes.toFixed(1)} MB, median ${p50.toFixed(0)} ms, p90 ${p90.toFixed(0)} ms`,
    ),
    '',
    'goals:',
    goal(reached >= GOALS.deliveries, `deliveries a second: ${reached} (at least ${GOALS.deliveries})`),
    goal(
      subscriberKb <= GOALS.subscriberKb,
      `memory per subscriber: ${subscriberKb.toFixed(1)} KB (at most ${GOALS.subscriberKb})`,
    ),
    goal(
      stream <= GOALS.historyMs,
      `${HISTORY} events read: ${stream.toFixed(0)} ms (at most ${GOALS.historyMs})`,
    ),
    '',
  ].join('\n');
}

await using stack = new AsyncDisposableStack();
const bench = await start(stack);
// In this order: memory that the other one had used would hide what a subscriber costs.
const fanOut = await measureFanOut(bench);
const summary: Summary = { ...fanOut, readings: await measureHistory(bench) };
process.stdout.write(flags.json ? `${JSON.stringify(summary, undefined, 2)}\n` : render(summary));
