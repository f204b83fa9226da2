/** The JSON value with U+FFFD for each half of a surrogate pair, in texts and in names: no strict parser reads those. */
export function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([name, part]) => [name.toWellFormed(), wellFormed(part)]));
}
