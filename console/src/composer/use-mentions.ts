import { useQuery } from '@tanstack/react-query';
import { type RefObject, useMemo, useState } from 'react';
import { client } from '../api/client.ts';
import { changeDraft } from './drafts.ts';
import { type IndexedPath, indexPaths, rankPaths } from './fuzzy.ts';
import { completeMention, isMentionable, type Mention, mentionAt } from './mention.ts';

const SHOWN = 50;

type MentionsOf = { sessionId: string; text: string; field: RefObject<HTMLTextAreaElement | null> };

/** The paths that may be meant by what is typed behind an `@`. */
export function useMentions({ sessionId, text, field }: MentionsOf) {
  const [mention, setMention] = useState<Mention | null>(null);
  const [active, setActive] = useState(0);
  /** Closed with Escape: it stays so for this one. */
  const [closedAt, setClosedAt] = useState<number | null>(null);
  const isOpen = mention !== null && mention.from !== closedAt;
  const files = useAllFiles(sessionId, isOpen);
  const query = mention?.query ?? '';
  const paths = useMemo(
    () => (isOpen && files.data !== undefined ? rankPaths(files.data.paths, query, SHOWN) : []),
    [isOpen, files.data, query],
  );
  const look = (): void => {
    const area = field.current;
    if (area === null) return;
    const isPoint = area.selectionStart === area.selectionEnd;
    const found = isPoint ? mentionAt(area.value, area.selectionStart) : null;
    if (found?.from !== mention?.from || found?.query !== mention?.query) setActive(0);
    if (found?.from !== closedAt) setClosedAt(null);
    if (found?.query !== mention?.query || found?.to !== mention?.to) setMention(found);
  };
  const choose = (path: IndexedPath): void => {
    if (mention === null) return;
    const done = completeMention(text, mention, path);
    changeDraft(sessionId, { text: done.text });
    // After the text is there.
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(done.caret, done.caret);
    });
  };
  const press = (key: string): boolean => {
    if (!isOpen) return false;
    const chosen = paths[active];
    if (key === 'Escape') setClosedAt(mention.from);
    else if (chosen === undefined) return false;
    else if (key === 'ArrowDown') setActive((active + 1) % paths.length);
    else if (key === 'ArrowUp') setActive((active + paths.length - 1) % paths.length);
    else if (key === 'Enter' || key === 'Tab') choose(chosen);
    else return false;
    return true;
  };
  return { isOpen, paths, active, query, files, look, press, choose, close: () => setMention(null) };
}

export type Mentions = ReturnType<typeof useMentions>;

function useAllFiles(sessionId: string, isWanted: boolean) {
  return useQuery({
    queryKey: ['files', sessionId, '', 'all'],
    queryFn: async ({ signal }) => {
      const listing = await client.sessions.files.list(sessionId, { recursive: true }, { signal });
      const paths = listing.entries
        .filter(({ name, type }) => type !== 'other' && isMentionable(name))
        .map(({ name, type }) => ({ path: name, isDirectory: type === 'directory' }));
      return { paths: indexPaths(paths), isTruncated: listing.truncated };
    },
    enabled: isWanted,
    staleTime: 30_000,
  });
}
