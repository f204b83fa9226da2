import type { Round } from './latency.ts';
import { median, quantile, type Samples } from './statistics.ts';

/** Milliseconds, and the median as a part of the bare SDK's. */
type Figure = { median: number; p90: number; ratio: number };
type Row = { firstAssistant: Figure; result: Figure };
/** `quartiles`: of the rounds' own ratios. A limit between them is not decided by one run. */
type Goal = { goal: string; value: number; quartiles: [number, number]; limit: number; isMet: boolean };

export type Summary = {
  bareSdk: Row;
  greenroomCold: Row;
  greenroomWarm: Row;
  /** From the request to its answer, and from the answer to the turn's start. */
  dispatch: Record<'cold' | 'warm', { answered: Figure; started: Figure }>;
  goals: Goal[];
};

const COLD_LIMIT = 1.1;
const WARM_LIMIT = 0.25;

export function summarize(rounds: readonly Round[]): Summary {
  const bareAssistant = rounds.map(({ bare }) => bare.firstAssistant);
  const bareResult = rounds.map(({ bare }) => bare.result);
  const greenroom = (kind: 'cold' | 'warm'): Row => ({
    firstAssistant: figure(
      rounds.map((round) => round[kind].firstAssistant),
      bareAssistant,
    ),
    result: figure(
      rounds.map((round) => round[kind].ended),
      bareResult,
    ),
  });
  const dispatch = (kind: 'cold' | 'warm') => ({
    answered: figure(
      rounds.map((round) => round[kind].answered),
      bareResult,
    ),
    started: figure(
      rounds.map((round) => round[kind].started - round[kind].answered),
      bareResult,
    ),
  });
  const cold = greenroom('cold');
  const warm = greenroom('warm');
  return {
    bareSdk: {
      firstAssistant: figure(bareAssistant, bareAssistant),
      result: figure(bareResult, bareResult),
    },
    greenroomCold: cold,
    greenroomWarm: warm,
    dispatch: { cold: dispatch('cold'), warm: dispatch('warm') },
    goals: [
      goal('cold result, against the bare SDK', cold.result.ratio, {
        ratios: rounds.map((round) => round.cold.ended / round.bare.result),
        limit: COLD_LIMIT,
      }),
      goal('warm follow-up result, against the bare SDK', warm.result.ratio, {
        ratios: rounds.map((round) => round.warm.ended / round.bare.result),
        limit: WARM_LIMIT,
      }),
    ],
  };
}

function figure(samples: Samples, base: Samples): Figure {
  const middle = median(samples);
  return { median: middle, p90: quantile(samples, 0.9), ratio: middle / median(base) };
}

function goal(text: string, value: number, { ratios, limit }: { ratios: Samples; limit: number }): Goal {
  const quartiles: Goal['quartiles'] = [quantile(ratios, 0.25), quantile(ratios, 0.75)];
  return { goal: text, value, quartiles, limit, isMet: value <= limit };
}

export type RunDescription = {
  machine: { cores: number; node: string; platform: string };
  rounds: number;
  warmUpRounds: number;
  prompt: string;
};

export function renderReport(summary: Summary, run: RunDescription): string {
  const { machine, rounds, warmUpRounds, prompt } = run;
  const { dispatch } = summary;
  const goals = summary.goals.map(
    ({ goal: text, value, quartiles, limit, isMet }) =>
      `  ${isMet ? 'met    ' : 'not met'}  ${text}: ${percent(value)} (at most ${percent(limit)}; ` +
      `half of the rounds ${quartiles.map(percent).join(' to ')})`,
  );
  return [
    `Latency in ms, ${rounds} rounds after ${warmUpRounds} to warm up, prompt "${prompt}" to the demo model at full speed`,
    `${machine.cores} cores, Node ${machine.node}, ${machine.platform}`,
    '',
    `${''.padEnd(28)}${'first assistant message'.padEnd(28)}result`,
    `${''.padEnd(28)}${heading}    ${heading}`,
    renderRow('bare SDK, cold', summary.bareSdk),
    renderRow('Greenroom, cold', summary.greenroomCold),
    renderRow('Greenroom, warm follow-up', summary.greenroomWarm),
    '',
    'request to answer, then answer to turn started:',
    ...(['cold', 'warm'] as const).map(
      (kind) =>
        `  ${kind}  ${renderTimes(dispatch[kind].answered)}, then ${renderTimes(dispatch[kind].started)}`,
    ),
    '',
    'goals, by medians:',
    ...goals,
    '',
    'bare SDK: query() in a warm Node process with the same tools, settings and agent environment as Greenroom, a',
    "string prompt, the SDK's own spawn and transcript file, the demo model in another process, no gateway.",
    'Greenroom: POST /execute/ to a server process with its own PostgreSQL; an event counts when another process',
    'gets it by a database notification; the result is the stored end of the turn. Both without isolation, which',
    '`npm run bench:isolation` measures.',
    '',
  ].join('\n');
}

const heading = ['median', 'p90', 'ratio'].map((text) => text.padStart(8)).join('');

function renderRow(name: string, row: Row): string {
  return `${name.padEnd(28)}${renderFigure(row.firstAssistant)}    ${renderFigure(row.result)}`;
}

function renderFigure({ median: middle, p90, ratio }: Figure): string {
  return `${middle.toFixed(0).padStart(8)}${p90.toFixed(0).padStart(8)}${percent(ratio).padStart(8)}`;
}

function renderTimes({ median: middle, p90 }: Figure): string {
  return `${middle.toFixed(1)} (p90 ${p90.toFixed(1)})`;
}

function percent(ratio: number): string {
  return `${(ratio * 100).toFixed(0)} %`;
}
