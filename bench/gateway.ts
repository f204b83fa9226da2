import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startChild } from './child.ts';
import { median, quantile } from './statistics.ts';

/*
 * What the model gateway costs a request, budgets and ledger included, and whether it changes the pace of a stream:
 * the same requests to the demo model straight and through it, by turns in one run.
 * `npm run bench:gateway -- [--requests N] [--streams N] [--json]`. Exits with 0 when it could measure.
 */

const OVERHEAD_LIMIT_MS = 3;
const PAUSE_MS = 10;
const PATH = '/usr/local/bin:/usr/bin:/bin';
/** About what an agent's first request is. */
const SYSTEM_PROMPT = 'All work and no play makes an agent a dull one. '.repeat(1_200);

const { values: flags } = parseArgs({
  options: {
    requests: { type: 'string', default: '300' },
    streams: { type: 'string', default: '6' },
    json: { type: 'boolean', default: false },
  },
});

type Target = { url: string; socketPath: string | undefined };
/** Milliseconds: to the first byte of the answer, to its last, and between its pieces. */
type Times = { first: number; total: number; gaps: number[] };

const agent = new Agent({ keepAlive: true });

async function ask(target: Target, prompt: string): Promise<Times> {
  const body = JSON.stringify({
    model: 'claude-haiku-4-5',
    max_tokens: 4_000,
    stream: true,
    system: SYSTEM_PROMPT,
    messages: [{ role: 'user', content: prompt }],
  });
  const started = performance.now();
  const arrivals: number[] = [];
  return await new Promise((resolve, reject) => {
    const sent = request(`${target.url}/v1/messages`, {
      method: 'POST',
      agent,
      headers: { 'content-type': 'application/json' },
      socketPath: target.socketPath,
    });
    sent.on('error', reject);
    sent.on('response', (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`the answer was ${answer.statusCode}`));
      const first = performance.now() - started;
      answer.on('data', () => arrivals.push(performance.now()));
      answer.on('error', reject);
      answer.on('end', () => {
        const gaps = arrivals.slice(1).map((at, index) => at - (arrivals[index] ?? at));
        resolve({ first, total: performance.now() - started, gaps });
      });
    });
    sent.end(body);
  });
}

/** Each target comes first in half of the rounds. */
async function inTurns(
  targets: { direct: Target; gateway: Target },
  { rounds, warmUp, prompt }: { rounds: number; warmUp: number; prompt: string },
): Promise<{ direct: Times[]; gateway: Times[] }> {
  const measured: { direct: Times[]; gateway: Times[] } = { direct: [], gateway: [] };
  for (let index = 0; index < rounds + warmUp; index++) {
    const order = index % 2 === 0 ? (['direct', 'gateway'] as const) : (['gateway', 'direct'] as const);
    for (const name of order) {
      // What a request used is written down after it: that is not the next one's time.
      await delay(PAUSE_MS);
      const times = await ask(targets[name], prompt);
      if (index >= warmUp) measured[name].push(times);
    }
  }
  return measured;
}

function figures(samples: readonly number[]) {
  return { p50: median(samples), p90: quantile(samples, 0.9), p99: quantile(samples, 0.99) };
}

async function measure() {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'greenroom-bench-'));
  stack.defer(async () => await rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  // Not below the other: PostgreSQL runs as another user when this one is root, and must get in.
  const dataDir = await mkdtemp(join(tmpdir(), 'greenroom-bench-'));
  stack.defer(async () => await rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const start = async (name: string, env: Record<string, string>) =>
    stack.use(
      await startChild({
        script: fileURLToPath(import.meta.resolve(`./${name}.ts`)),
        env: { PATH, ...env },
        logPath: join(directory, `${name}.log`),
        ready: /^listening at (\S+)(?: (\S+))?/,
        signal: new AbortController().signal,
      }),
    );
  const model = await start('demo-model', { TOKENS_PER_SECOND: '1000000' });
  const modelUrl = model.match[1] ?? '';
  const { match } = await start('gateway-server', { MODEL_URL: modelUrl, DATA_DIR: dataDir });
  const targets = {
    direct: { url: modelUrl, socketPath: undefined },
    gateway: { url: match[1] ?? '', socketPath: match[2] },
  };
  const requests = await inTurns(targets, {
    rounds: Number(flags.requests),
    warmUp: 30,
    prompt: '[demo:say ok]',
  });
  const streams = await inTurns(targets, {
    rounds: Number(flags.streams),
    warmUp: 1,
    prompt: '[demo:slow 60] count from 1 to 120',
  });
  const of = (name: 'direct' | 'gateway') => ({
    first: figures(requests[name].map(({ first }) => first)),
    total: figures(requests[name].map(({ total }) => total)),
    gaps: figures(streams[name].flatMap(({ gaps }) => gaps)),
    pieces: streams[name].reduce((sum, { gaps }) => sum + gaps.length + 1, 0),
  });
  return { direct: of('direct'), gateway: of('gateway') };
}

type Measured = Awaited<ReturnType<typeof measure>>;

function render({ direct, gateway }: Measured): string {
  const overhead = gateway.total.p50 - direct.total.p50;
  const row = (name: string, { first, total, gaps, pieces }: Measured['direct']): string =>
    [
      name.padEnd(18),
      ...[first, total, gaps].map(({ p50, p90, p99 }) =>
        [p50, p90, p99].map((value) => value.toFixed(2).padStart(8)).join(''),
      ),
      String(pieces).padStart(8),
    ].join('  ');
  const heading = ['p50', 'p90', 'p99'].map((text) => text.padStart(8)).join('');
  return [
    `The model gateway against the demo model straight, in ms; ${flags.requests} requests of 58 KB, ${flags.streams} streams`,
    `${availableParallelism()} cores, Node ${process.version}, ${process.platform} ${process.arch}`,
    '',
    `${''.padEnd(18)}  ${'first byte'.padEnd(24)}  ${'whole answer'.padEnd(24)}  ${'between pieces'.padEnd(24)}  pieces`,
    `${''.padEnd(18)}  ${heading}  ${heading}  ${heading}`,
    row('straight', direct),
    row('through the gateway', gateway),
    '',
    `${overhead <= OVERHEAD_LIMIT_MS ? 'met    ' : 'not met'}  overhead of a request, p50: ${overhead.toFixed(2)} ms (at most ${OVERHEAD_LIMIT_MS} ms)`,
    '',
  ].join('\n');
}

const measured = await measure();
agent.destroy();
process.stdout.write(flags.json ? `${JSON.stringify(measured, undefined, 2)}\n` : render(measured));
