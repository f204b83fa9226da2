/** Where the keys go from a row; from none, or from one that went away, they begin at the first. Null: nowhere. */
export function nextRow(order: readonly string[], from: string | null, by: 1 | -1): string | null {
  const at = from === null ? -1 : order.indexOf(from);
  if (at === -1) return order[0] ?? null;
  return order[at + by] ?? null;
}
