import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Greenroom, startGreenroom, type TurnTimes } from './greenroom.ts';
import { median, quantile } from './statistics.ts';

/*
 * What isolation adds to the start of an agent: the first turn of new sessions on two servers, one with bwrap and one
 * without, in turns in one run: `npm run bench:isolation -- [--rounds N] [--json]`. Exits with 0 when it could measure.
 */

const AGENT_PATH = '/usr/local/bin:/usr/bin:/bin';
const SETTLE_MS = 500;
const WARM_UP_ROUNDS = 2;
const LIMIT_MS = 50;

const { values: flags } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(flags.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a whole number from 1 on');

type Mode = 'bwrap' | 'none';
type Round = Record<Mode, TurnTimes>;

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => abort.abort(new Error(`stopped by ${signal}`)));

async function start(stack: AsyncDisposableStack, isolation: Mode): Promise<Greenroom> {
  const dataDir = await mkdtemp(join(tmpdir(), 'greenroom-bench-'));
  stack.defer(async () => await rm(dataDir, { recursive: true, force: true, maxRetries: 5 }));
  const server = await startGreenroom({
    dataDir,
    isolation,
    path: AGENT_PATH,
    prompt: '[demo:say ok]',
    tokensPerSecond: 1_000_000,
    logPath: join(dataDir, 'greenroom.log'),
    idleTtl: '0s',
    signal: abort.signal,
  });
  return stack.use(server);
}

async function measure(): Promise<Round[]> {
  await using stack = new AsyncDisposableStack();
  const servers = { bwrap: await start(stack, 'bwrap'), none: await start(stack, 'none') };
  const cold = async (mode: Mode): Promise<TurnTimes> => {
    await delay(SETTLE_MS, undefined, { signal: abort.signal });
    const { sessionId, times } = await servers[mode].turn();
    await servers[mode].released(sessionId);
    return times;
  };
  const measured: Round[] = [];
  for (let index = 0; index < WARM_UP_ROUNDS + rounds; index++) {
    // Each comes first in half of the rounds, so that neither always runs in the other's wake.
    const round =
      index % 2 === 0
        ? { bwrap: await cold('bwrap'), none: await cold('none') }
        : { none: await cold('none'), bwrap: await cold('bwrap') };
    if (index >= WARM_UP_ROUNDS) measured.push(round);
  }
  return measured;
}

function summarize(measured: readonly Round[]) {
  const of = (mode: Mode, key: 'firstAssistant' | 'ended') => measured.map((round) => round[mode][key]);
  const row = (key: 'firstAssistant' | 'ended') => ({
    none: median(of('none', key)),
    bwrap: median(of('bwrap', key)),
    added: median(of('bwrap', key)) - median(of('none', key)),
    quartiles: [0.25, 0.75].map((q) =>
      quantile(
        measured.map((round) => round.bwrap[key] - round.none[key]),
        q,
      ),
    ),
  });
  return { first_message_ms: row('firstAssistant'), result_ms: row('ended') };
}

try {
  const summary = summarize(await measure());
  const { first_message_ms: first } = summary;
  const machine = { cores: availableParallelism(), node: process.version, user: process.getuid?.() ?? null };
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ machine, rounds, ...summary }, undefined, 2)}\n`
      : `Start of an agent, ${rounds} rounds, medians in ms (${machine.cores} cores, Node ${machine.node})\n` +
          Object.entries(summary)
            .map(
              ([name, { none, bwrap, added, quartiles }]) =>
                `  ${name.padEnd(18)} none ${none.toFixed(0)}  bwrap ${bwrap.toFixed(0)}  added ${added.toFixed(0)}` +
                ` (middle half of the rounds ${quartiles.map((value) => value.toFixed(0)).join(' … ')})\n`,
            )
            .join('') +
          `  goal: at most ${LIMIT_MS} ms added to the first message: ${first.added <= LIMIT_MS ? 'met' : 'missed'}\n`,
  );
} catch (error) {
  const reason: unknown = abort.signal.aborted ? abort.signal.reason : error;
  process.stderr.write(`${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}\n`);
  process.exitCode = abort.signal.aborted ? 130 : 1;
}
