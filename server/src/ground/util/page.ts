/**
 * Of a page, as it is sent: what would be more is on the next one. Whoever reads it has it whole in memory, and so has
 * this process. Yet each page has an item, however large: else nobody would get past it.
 */
export const MAX_PAGE_BYTES = 4_000_000;
/** Of an item, beside its texts: what a statement that measures those counts for all the rest of it. */
export const ITEM_BYTES = 800;

export type PageMaker<Row, Item> = {
  limit: number;
  show: (row: Row) => Item;
  /** Where the page after this row begins. */
  cursorOf: (row: Row) => string;
};

/** Makes a page of rows, of which one more was read than it may have. `next` is null when there are no more. */
export function toPage<Row, Item>(
  rows: readonly Row[],
  { limit, show, cursorOf }: PageMaker<Row, Item>,
): { items: Item[]; next: string | null } {
  const items: Item[] = [];
  let bytes = 0;
  for (const row of rows.slice(0, limit)) {
    const item = show(row);
    bytes += Buffer.byteLength(JSON.stringify(item));
    if (bytes > MAX_PAGE_BYTES && items.length > 0) break;
    items.push(item);
  }
  const last = rows[items.length - 1];
  return { items, next: items.length < rows.length && last !== undefined ? cursorOf(last) : null };
}
