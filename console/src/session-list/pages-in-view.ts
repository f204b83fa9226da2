/*
 * After the stream was away all that was read may be out of date. Of a long list only the pages that are looked at are read
 * again, and the others when they are scrolled to: ten thousand rows would be a hundred requests.
 */

/** Which sessions a page had; how they stand is in `summaries`. Their ids fall: the newest comes first. */
export type ReadPage = {
  /** Behind it the page begins; null is before the newest. */
  cursor: string | null;
  ids: readonly string[];
  /** The cursor of the next page; null at the end. */
  next: string | null;
  /** The version of `summaries` when it was asked for. */
  askedAt: number;
  /** Something may have been missed since. */
  isOld: boolean;
};

/** The rows that are looked at, by the ids of the first and the last of them. */
export type View = { first: string; last: string };

export function isInView({ cursor, next }: ReadPage, view: View | null): boolean {
  // The newest are there first of all, wherever somebody looks.
  if (cursor === null) return true;
  if (view === null) return false;
  return view.last < cursor && (next === null || view.first >= next);
}

/** A page that was read again ends where it ended before: the next one goes on from there. */
export function cutAt(page: ReadPage, end: string | null): ReadPage {
  if (end === null || (page.next !== null && page.next >= end)) return page;
  return { ...page, ids: page.ids.filter((id) => id >= end), next: end };
}

/** Whether something that is looked at is out of date. */
export function needsReading(pages: readonly ReadPage[], view: View | null): boolean {
  return pages.some((page) => page.isOld && isInView(page, view));
}
