import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type BareTimes, measureBareSdk } from './bare-sdk.ts';
import { startChild } from './child.ts';
import { startGreenroom, type TurnTimes } from './greenroom.ts';
import { renderReport, summarize } from './report.ts';

/*
 * What Greenroom costs over the bare Agent SDK, side by side in one run: `npm run bench -- [--rounds N] [--json]`.
 * Exits with 0 when it could measure, whatever the numbers are.
 */

const PROMPT = '[demo:say ok]';
const TOKENS_PER_SECOND = 1_000_000;
/** The same for both, and without npm's additions. */
const AGENT_PATH = '/usr/local/bin:/usr/bin:/bin';
/** The processes of one measurement would take the next one's processor time, also for a while after their end. */
const SETTLE_MS = 1_000;
/** Outlasts the pause before a follow-up, and little more: each round waits for it. */
const IDLE_TTL = '2s';

export type Round = { bare: BareTimes; cold: TurnTimes; warm: TurnTimes };

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    'warm-up': { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = readCount('rounds', 1);
const warmUpRounds = readCount('warm-up', 0);

function readCount(name: 'rounds' | 'warm-up', least: number): number {
  const value = Number(flags[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`--${name} must be a whole number from ${least} on`);
}

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => abort.abort(new Error(`stopped by ${signal}`)));

async function measure(): Promise<Round[]> {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), 'greenroom-bench-'));
  // A program that just ended may still write its last files.
  stack.defer(async () => await rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const dataDir = await mkdtemp(join(tmpdir(), 'greenroom-bench-'));
  stack.defer(async () => await rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const model = stack.use(
    await startChild({
      script: fileURLToPath(import.meta.resolve('./demo-model.ts')),
      env: { PATH: AGENT_PATH, TOKENS_PER_SECOND: String(TOKENS_PER_SECOND) },
      logPath: join(directory, 'demo-model.log'),
      ready: /^listening at (\S+)/,
      signal: abort.signal,
    }),
  );
  const greenroom = stack.use(
    await startGreenroom({
      dataDir,
      logPath: join(directory, 'greenroom.log'),
      path: AGENT_PATH,
      prompt: PROMPT,
      tokensPerSecond: TOKENS_PER_SECOND,
      idleTtl: IDLE_TTL,
      // As the other has none; `bench:isolation` measures what it adds.
      isolation: 'none',
      signal: abort.signal,
    }),
  );
  const settle = async (): Promise<void> => await delay(SETTLE_MS, undefined, { signal: abort.signal });
  const bareSetup = { directory, modelUrl: model.match[1] ?? '', path: AGENT_PATH, prompt: PROMPT, abort };
  const runBare = async (): Promise<BareTimes> => {
    await settle();
    return await measureBareSdk(bareSetup);
  };
  const runGreenroom = async (): Promise<Omit<Round, 'bare'>> => {
    await settle();
    const { sessionId, times: cold } = await greenroom.turn();
    await settle();
    const { times: warm } = await greenroom.turn(sessionId);
    await greenroom.released(sessionId);
    return { cold, warm };
  };
  const measured: Round[] = [];
  for (let index = 0; index < warmUpRounds + rounds; index++) {
    // Each comes first in half of the rounds, so that neither always runs in the other's wake.
    const round =
      index % 2 === 0
        ? { bare: await runBare(), ...(await runGreenroom()) }
        : { ...(await runGreenroom()), bare: await runBare() };
    if (index >= warmUpRounds) measured.push(round);
    if (process.stderr.isTTY) process.stderr.write(`\rround ${index + 1} of ${warmUpRounds + rounds}\r`);
  }
  return measured;
}

try {
  const machine = {
    cores: availableParallelism(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
  };
  const summary = summarize(await measure());
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ machine, rounds, ...summary }, undefined, 2)}\n`
      : renderReport(summary, { machine, rounds, warmUpRounds, prompt: PROMPT }),
  );
} catch (error) {
  const reason: unknown = abort.signal.aborted ? abort.signal.reason : error;
  process.stderr.write(`${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}\n`);
  process.exitCode = abort.signal.aborted ? 130 : 1;
}
