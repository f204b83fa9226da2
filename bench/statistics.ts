/** Milliseconds; at least one value. */
export type Samples = readonly number[];

export function median(samples: Samples): number {
  return quantile(samples, 0.5);
}

/** With linear interpolation between the two nearest values. */
export function quantile(samples: Samples, q: number): number {
  if (samples.length === 0) throw new RangeError('no samples');
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
