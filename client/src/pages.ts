/** Every item of a list, page after page. */
export async function* followPages<Item, Cursor>(
  readPage: (cursor: Cursor | null) => Promise<{ items: readonly Item[]; next: Cursor | null }>,
): AsyncGenerator<Item, void> {
  let cursor: Cursor | null = null;
  do {
    const page: { items: readonly Item[]; next: Cursor | null } = await readPage(cursor);
    yield* page.items;
    cursor = page.next;
  } while (cursor !== null);
}

/** The `cursor` of the page that a `Link` header calls the next one. */
export function nextCursor(link: string | null): string | null {
  const [, query] = /<[^>]*\?([^>]*)>\s*;\s*rel="?next"?/.exec(link ?? '') ?? [];
  return new URLSearchParams(query).get('cursor');
}
