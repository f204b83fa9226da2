import { z } from 'zod';

const unitSeconds: Record<string, number> = { '': 1, ms: 0.001, s: 1, m: 60, h: 3600, d: 86_400 };

/** A time span: a number of seconds, or text with a unit (`500ms`, `60s`, `5m`, `12h`, `30d`). Becomes milliseconds. */
export const duration = z.union([z.number(), z.string()]).transform((value, context) => {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/.exec(String(value).trim());
  const seconds = Number(match?.[1]) * (unitSeconds[match?.[2] ?? ''] ?? Number.NaN);
  if (Number.isFinite(seconds)) return Math.round(seconds * 1000);
  context.addIssue({ code: 'custom', message: 'expected a time span such as 60, 90s, 5m, 12h or 30d' });
  return z.NEVER;
});

/** What `setTimeout` can wait. */
export const timer = duration.refine((ms) => ms < 2 ** 31, 'must be at most 24d');

/** Of bookkeeping, which is kept for a day at least; null is for ever. */
export const keepTime = z.union([
  z.literal('never').transform(() => null),
  duration.refine((ms) => ms >= 86_400_000, 'must be at least 1d, or never'),
]);

/** Of a model's answer. The agent program itself waits for half an hour, whatever it is told. */
export const idleTimeout = timer.refine((ms) => ms > 0 && ms < 1_800_000, 'must be less than 30m');
