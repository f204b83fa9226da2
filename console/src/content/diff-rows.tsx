import type { ReactNode } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { boundLine } from './bounds.ts';
import { CodeLine } from './code-line.tsx';
import type { LineSlots } from './diff-view.tsx';
import { type DiffRow, lineOf } from './patch.ts';
import type { DiffTokens } from './use-diff-tokens.ts';

export type DiffRowsProps = LineSlots & {
  rows: readonly DiffRow[];
  file: string;
  tokens: DiffTokens;
  hasNumbers: boolean;
};

const signs = { added: '+', removed: '−', context: ' ', gap: '⋯', note: ' ' } as const;

export const grounds = {
  added: 'bg-added',
  removed: 'bg-removed',
  context: '',
  gap: 'bg-raised text-muted',
  note: 'text-muted',
} as const;

const LONGEST_LINE = 1_000;

/** One below the other, as patches are written. */
export function DiffRows({ rows, ...shared }: DiffRowsProps) {
  return (
    <table className="w-full border-collapse font-mono text-[12.5px] leading-[1.6]">
      <tbody>
        {rows.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: Rows have no other name than their place.
          <UnifiedRow key={index} row={row} {...shared} />
        ))}
      </tbody>
    </table>
  );
}

function UnifiedRow({
  row,
  file,
  tokens,
  hasNumbers,
  lineAction,
  lineNote,
}: Omit<DiffRowsProps, 'rows'> & { row: DiffRow }) {
  const line = lineOf(row, file);
  const note = line === null ? null : lineNote?.(line);
  return (
    <>
      <tr className={cn('group/line', grounds[row.kind])}>
        {hasNumbers && <LineNumber number={row.oldNumber} />}
        {hasNumbers && <LineNumber number={row.newNumber} />}
        {lineAction !== undefined && <LineAction>{line !== null && lineAction(line)}</LineAction>}
        <LineText row={row} tokens={tokens} />
      </tr>
      {note !== null && note !== undefined && note !== false && <LineNote columns={4}>{note}</LineNote>}
    </>
  );
}

type LineTextProps = { row: DiffRow; tokens: DiffTokens; isWrapped?: boolean };

export function LineNumber({ number }: { number: number | null }) {
  return (
    <td className="w-px select-none whitespace-nowrap px-2 text-right align-top text-faint tabular-nums">
      {number}
    </td>
  );
}

export function LineAction({ children }: { children: ReactNode }) {
  return (
    <td className="w-px align-top opacity-0 focus-within:opacity-100 group-hover/line:opacity-100 coarse:opacity-100">
      {children}
    </td>
  );
}

export function LineNote({ columns, children }: { columns: number; children: ReactNode }) {
  return (
    <tr>
      <td colSpan={columns} className="whitespace-normal border-y bg-panel p-2 font-sans text-[13px]">
        {children}
      </td>
    </tr>
  );
}

export function LineText({ row, tokens, isWrapped = false }: LineTextProps) {
  const { t } = useLocale();
  const spoken = row.kind === 'added' || row.kind === 'removed' ? t(`content.${row.kind}`) : null;
  return (
    <td className={cn('px-2 align-top', isWrapped ? 'whitespace-pre-wrap break-all' : 'whitespace-pre')}>
      <span aria-hidden className="mr-2 select-none text-muted">
        {signs[row.kind]}
      </span>
      {spoken !== null && <span className="sr-only">{spoken}</span>}
      <code>
        <CodeLine text={boundLine(row.text, LONGEST_LINE)} tokens={tokens.get(row)} />
      </code>
    </td>
  );
}
