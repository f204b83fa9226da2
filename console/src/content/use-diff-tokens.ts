import { useMemo } from 'react';
import type { CodeLine } from './highlight.ts';
import type { Language } from './language.ts';
import type { DiffRow } from './patch.ts';
import { useHighlight } from './use-highlight.ts';

export type DiffTokens = ReadonlyMap<DiffRow, CodeLine>;

/** Both sides are coloured as the texts that they are: a line alone does not say that it is in a comment. */
export function useDiffTokens(rows: readonly DiffRow[], language: Language | null): DiffTokens {
  const sides = useMemo(() => [sideOf(rows, 'added'), sideOf(rows, 'removed')] as const, [rows]);
  const added = useHighlight(textOf(sides[0]), language);
  const removed = useHighlight(textOf(sides[1]), language);
  return useMemo(() => {
    const tokens = new Map<DiffRow, CodeLine>();
    for (const [index, row] of sides[1].entries()) setTokens(tokens, row, removed?.[index]);
    for (const [index, row] of sides[0].entries()) setTokens(tokens, row, added?.[index]);
    return tokens;
  }, [sides, added, removed]);
}

function sideOf(rows: readonly DiffRow[], kind: 'added' | 'removed'): DiffRow[] {
  return rows.filter((row) => row.kind === kind || row.kind === 'context');
}

function textOf(rows: readonly DiffRow[]): string {
  return rows.map(({ text }) => text).join('\n');
}

function setTokens(tokens: Map<DiffRow, CodeLine>, row: DiffRow, line: CodeLine | undefined): void {
  if (line !== undefined) tokens.set(row, line);
}
