/*
 * Which rows the list has, in which order. Pinned ones come first, then the newest; ids grow with time, so that order
 * never changes by what happens in a session. What stops to match stays where it is, marked, and goes later; what is new
 * can be held back while somebody points at rows.
 */

export type Row = {
  id: string;
  isPinned: boolean;
  /** Since when it is not wanted any more, or gone; null while it is. */
  leftAt: number | null;
};

export type Listing = {
  rows: readonly Row[];
  /** What will get a row as soon as nobody points at one. */
  heldBack: ReadonlySet<string>;
  /** Whatever matches from this id on has been read; `''` is everything, null nothing yet. */
  readDownTo: string | null;
};

/** A session as the list sees it. `match` is null when nobody here can tell, and false when it is gone. */
export type Sight = { id: string; match: boolean | null; isPinned: boolean };

export const emptyListing: Listing = { rows: [], heldBack: new Set(), readDownTo: null };

/** Something happened in a session. Gives the same listing when that changes no row. */
export function noteChange(
  listing: Listing,
  sight: Sight,
  { now, isHeld }: { now: number; isHeld: boolean },
): Listing {
  const at = findRow(listing.rows, sight.id);
  if (at === -1) return noteOutside(listing, sight, isHeld);
  const row = listing.rows[at] as Row;
  const next = look(row, sight, now);
  if (next === row) return listing;
  if (next.isPinned === row.isPinned) return { ...listing, rows: listing.rows.with(at, next) };
  return { ...listing, rows: insert(listing.rows.toSpliced(at, 1), next) };
}

function noteOutside(listing: Listing, sight: Sight, isHeld: boolean): Listing {
  const { id, match, isPinned } = sight;
  const { heldBack, readDownTo } = listing;
  if (match === false && heldBack.has(id)) return { ...listing, heldBack: without(heldBack, id) };
  const isInReach = readDownTo !== null && (isPinned || id >= readDownTo);
  if (match !== true || !isInReach || heldBack.has(id)) return listing;
  if (isHeld) return { ...listing, heldBack: new Set([...heldBack, id]) };
  return { ...listing, rows: insert(listing.rows, { id, isPinned, leftAt: null }) };
}

export type Reading = {
  /** What the server said that matches, and whatever else is known to. */
  sights: readonly Sight[];
  readDownTo: string;
};

/** Pages were read, for the first time or again. */
export function takeReading(
  listing: Listing,
  { sights, readDownTo }: Reading,
  { now, isHeld }: { now: number; isHeld: boolean },
): Listing {
  const rows = new Map(listing.rows.map((row) => [row.id, row]));
  const heldBack = new Set(listing.heldBack);
  for (const sight of sights) {
    const row = rows.get(sight.id);
    if (row !== undefined) rows.set(sight.id, look(row, sight, now));
    else if (sight.match === false) heldBack.delete(sight.id);
    else if (isHeld && listing.readDownTo !== null && sight.id >= listing.readDownTo) heldBack.add(sight.id);
    else rows.set(sight.id, { id: sight.id, isPinned: sight.isPinned, leftAt: null });
  }
  for (const id of rows.keys()) heldBack.delete(id);
  return { rows: [...rows.values()].sort(inOrder), heldBack, readDownTo };
}

/** Nobody points at rows any more: what was held back gets one. */
export function release(listing: Listing, sightOf: (id: string) => Sight): Listing {
  if (listing.heldBack.size === 0) return listing;
  const added = [...listing.heldBack].map(sightOf).filter(({ match }) => match !== false);
  const rows = added.map(({ id, isPinned }): Row => ({ id, isPinned, leftAt: null }));
  return { ...listing, rows: [...listing.rows, ...rows].sort(inOrder), heldBack: new Set() };
}

/** Takes the rows away that were left before; `kept` is the one that has the focus. */
export function dropLeft(
  listing: Listing,
  { before, kept }: { before: number; kept: string | null },
): Listing {
  const rows = listing.rows.filter(({ id, leftAt }) => leftAt === null || leftAt > before || id === kept);
  return rows.length === listing.rows.length ? listing : { ...listing, rows };
}

function look(row: Row, { match, isPinned }: Sight, now: number): Row {
  const leftAt = match === false ? (row.leftAt ?? now) : null;
  // What has left keeps its place.
  const place = match === false ? row.isPinned : isPinned;
  return leftAt === row.leftAt && place === row.isPinned ? row : { id: row.id, isPinned: place, leftAt };
}

function inOrder(a: Pick<Row, 'id' | 'isPinned'>, b: Pick<Row, 'id' | 'isPinned'>): number {
  if (a.isPinned !== b.isPinned) return a.isPinned ? -1 : 1;
  return a.id < b.id ? 1 : a.id > b.id ? -1 : 0;
}

function insert(rows: readonly Row[], row: Row): readonly Row[] {
  return rows.toSpliced(placeOf(rows, row), 0, row);
}

/** Of a session's row, -1 when it has none. */
export function findRow(rows: readonly Row[], id: string): number {
  for (const isPinned of [true, false]) {
    const at = placeOf(rows, { id, isPinned });
    if (rows[at]?.id === id) return at;
  }
  return -1;
}

/** Where it is, or would be. */
function placeOf(rows: readonly Row[], row: Pick<Row, 'id' | 'isPinned'>): number {
  let from = 0;
  let to = rows.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (inOrder(rows[middle] as Row, row) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

function without(ids: ReadonlySet<string>, id: string): ReadonlySet<string> {
  const rest = new Set(ids);
  rest.delete(id);
  return rest;
}
