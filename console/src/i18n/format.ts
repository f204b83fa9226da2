/** Numbers, money and times as the reader's language writes them. Times are compared with the server's clock. */

export function formatNumber(value: number, locale: string): string {
  return value.toLocaleString(locale);
}

/** `131k`, `1.2M`. */
export function formatCount(value: number, locale: string): string {
  return new Intl.NumberFormat(locale, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/** US dollars: small sums with the digits that they have. */
export function formatCost(usd: number, locale: string): string {
  const digits = usd !== 0 && Math.abs(usd) < 0.1 ? 4 : 2;
  return new Intl.NumberFormat(locale, {
    style: 'currency',
    currency: 'USD',
    currencyDisplay: 'narrowSymbol',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(usd);
}

export function formatBytes(bytes: number, locale: string): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: units[power] ?? 'byte',
    unitDisplay: 'narrow',
    maximumFractionDigits: power === 0 ? 0 : 1,
  }).format(bytes / 1_000 ** power);
}

/** `0.3 s`, `41 s`, `2 m 5 s`, `3 h 20 m`. */
export function formatDuration(ms: number, locale: string): string {
  const seconds = Math.max(0, ms) / 1_000;
  if (seconds < 10) return unit(Math.round(seconds * 10) / 10, 'second', locale);
  const whole = Math.round(seconds);
  if (whole < 60) return unit(whole, 'second', locale);
  if (whole < 3_600) return both([Math.floor(whole / 60), 'minute'], [whole % 60, 'second'], locale);
  const minutes = Math.round(whole / 60);
  return both([Math.floor(minutes / 60), 'hour'], [minutes % 60, 'minute'], locale);
}

function both(larger: [number, string], smaller: [number, string], locale: string): string {
  const parts = smaller[0] === 0 ? [larger] : [larger, smaller];
  return parts.map(([value, name]) => unit(value, name, locale)).join(' ');
}

function unit(value: number, name: string, locale: string): string {
  return new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'narrow' }).format(value);
}

/** How long ago, in the largest unit that fits: `13m`, `2h`, `5d`. */
export function formatAge(ms: number, locale: string): string {
  const minutes = Math.max(0, Math.floor(ms / 60_000));
  if (minutes < 60) return unit(minutes, 'minute', locale);
  if (minutes < 1_440) return unit(Math.floor(minutes / 60), 'hour', locale);
  return unit(Math.floor(minutes / 1_440), 'day', locale);
}

export function formatTime(at: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' }).format(at);
}

/** The time of day alone. */
export function formatClock(at: Date, locale: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(at);
}
