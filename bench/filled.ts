import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { openFilledDirectory } from '../server/test/filled/directory.ts';
import { type Goal, isMet, renderGoal } from './filled-goals.ts';
import {
  measureCleanup,
  measureExecute,
  measureLongSession,
  measureLoop,
  measureReads,
  measureRest,
  measureStreams,
  workThreeSessions,
} from './filled-measurements.ts';
import { startFilledServer } from './filled-server.ts';

/*
 * What a server is like that has been used for long: 100,000 sessions, a million turns, 5 million events.
 * `npm run bench:filled -- [--cache DIR] [--part N]`, on a machine that does nothing else: one request at a time, a line a
 * goal, exit code 1 when one is missed. Filling takes some minutes and 7 GB; `--cache`, or FILLED_CACHE, keeps it for the
 * next time. SOAK_MINUTES has three sessions work for so long.
 */

const { values: flags } = parseArgs({
  options: {
    part: { type: 'string', default: '1' },
    ...(process.env.FILLED_CACHE === undefined
      ? { cache: { type: 'string' } }
      : { cache: { type: 'string', default: process.env.FILLED_CACHE } }),
  },
});
const part = Number(flags.part);
if (!(part > 0 && part <= 1)) throw new Error('--part must be a number up to 1');
const soakMinutes = Number(process.env.SOAK_MINUTES ?? 0);
if (!(soakMinutes >= 0)) throw new Error('SOAK_MINUTES must be a number');

const START_MS = 3_000;
const WORK_MS = 60_000;
const WORKING_MB = 250;
/** What may come on top in the second half of a soak. */
const FLAT = 1.05;

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => abort.abort(new Error(`stopped by ${signal}`)));

async function* measure(): AsyncGenerator<Goal> {
  const begin = performance.now();
  await using directory = await openFilledDirectory({ part, cache: flags.cache ?? null });
  process.stdout.write(
    `filled, or found filled, in ${((performance.now() - begin) / 1_000).toFixed(0)} s\n\n`,
  );
  await using server = await startFilledServer(directory, abort.signal);
  yield { goal: 'start', value: server.startMs / 1_000, limit: START_MS / 1_000, unit: 's' };
  yield await measureRest(server);
  const working = await workThreeSessions(server, WORK_MS);
  yield {
    goal: 'memory of the server, three sessions at a time',
    value: Math.max(...working),
    limit: WORKING_MB,
    unit: 'MB',
  };
  if (soakMinutes > 0) yield* soak(server);
  // Before the others: memory that they had used would hide what a stream costs.
  yield* measureStreams(server);
  await server.figures();
  yield* measureReads(server);
  yield await measureLoop(server, 'by these');
  yield await measureExecute(server);
  yield await measureLoop(server, 'by that');
  yield* measureLongSession(server);
  yield await measureLoop(server, 'by that session');
  yield* measureCleanup(server);
  yield await measureLoop(server, 'by the cleanup');
}

async function* soak(server: Parameters<typeof workThreeSessions>[0]): AsyncGenerator<Goal> {
  const resident = await workThreeSessions(server, soakMinutes * 60_000);
  const half = Math.ceil(resident.length / 2);
  const [before, after] = [resident.slice(half / 2, half), resident.slice(half)].map((part) =>
    Math.max(...part),
  );
  const unit = 'MB';
  yield {
    goal: `memory in a soak of ${soakMinutes} minutes`,
    value: Math.max(...resident),
    limit: WORKING_MB,
    unit,
  };
  const note = `${((after ?? 0) / (before ?? 1)).toFixed(2)} of that before`;
  yield {
    goal: 'memory in its second half',
    value: after ?? 0,
    limit: Math.round((before ?? 0) * FLAT),
    unit,
    note,
  };
}

const load = loadavg().map((one) => one.toFixed(1));
process.stdout.write(
  `${availableParallelism()} cores (load ${load.join(', ')}), Node ${process.version}, ${part * 100} % of 100,000 sessions\n`,
);
try {
  let missed = 0;
  for await (const goal of measure()) {
    if (!isMet(goal)) missed += 1;
    process.stdout.write(renderGoal(goal));
  }
  process.stdout.write(`\n${missed === 0 ? 'all goals are met' : `${missed} goals are not met`}\n`);
  if (missed > 0) process.exitCode = 1;
} catch (error) {
  const reason: unknown = abort.signal.aborted ? abort.signal.reason : error;
  process.stderr.write(`${reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)}\n`);
  process.exitCode = abort.signal.aborted ? 130 : 1;
}
