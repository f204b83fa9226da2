import { quantile, type Samples } from './statistics.ts';

/** `unit` goes with both numbers. `note`: what else is to be said. */
export type Goal = { goal: string; value: number; limit: number; unit: string; note?: string };

export function isMet({ value, limit }: Goal): boolean {
  return value <= limit;
}

export function renderGoal(goal: Goal): string {
  const { goal: text, value, limit, unit, note } = goal;
  const figure = `${value.toFixed(value < 100 ? 1 : 0)} ${unit} (at most ${limit} ${unit})`;
  return `  ${isMet(goal) ? 'met    ' : 'not met'}  ${text}: ${figure}${note === undefined ? '' : `; ${note}`}\n`;
}

export function p99Goal(what: string, samples: Samples, limit: number): Goal {
  const [median, most] = [quantile(samples, 0.5), Math.max(...samples)];
  const note = `median ${median.toFixed(1)}, longest ${most.toFixed(1)} of ${samples.length}`;
  return { goal: `${what}, p99`, value: quantile(samples, 0.99), limit, unit: 'ms', note };
}
