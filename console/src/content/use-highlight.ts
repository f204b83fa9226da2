import { useEffect, useState } from 'react';
import { type CodeLine, highlight, keptHighlight } from './highlight.ts';
import type { Language } from './language.ts';

/** Text that grows is coloured when it rests; until then its lines that did not change keep their colours. */
const REST_MS = 120;

/** A list of tokens for each line; null until they are there, and for what stays plain. */
export function useHighlight(text: string, language: Language | null): readonly CodeLine[] | null {
  const [lines, setLines] = useState<readonly CodeLine[] | null>(null);
  const known = language === null ? null : keptHighlight(text, language);
  useEffect(() => {
    if (language === null || keptHighlight(text, language) !== null) return;
    const aborted = new AbortController();
    const timer = setTimeout(() => {
      highlight(text, language).then(
        (found) => !aborted.signal.aborted && setLines(found),
        // Without its chunk (the server is away) code is plain, which is no failure of what is shown.
        () => undefined,
      );
    }, REST_MS);
    return () => {
      aborted.abort();
      clearTimeout(timer);
    };
  }, [text, language]);
  return language === null ? null : (known ?? lines);
}
