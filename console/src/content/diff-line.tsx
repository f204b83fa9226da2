import type { ReactNode } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { boundLine } from './bounds.ts';
import { CodeLine } from './code-line.tsx';
import type { DiffRow } from './patch.ts';
import type { DiffTokens } from './use-diff-tokens.ts';

const signs: Record<DiffRow['kind'], string> = {
  added: '+',
  removed: '−',
  context: ' ',
  gap: '⋯',
  note: ' ',
};
const LONGEST_LINE = 1_000;

export function LineNumber({ number }: { number: number | null }) {
  return (
    <span className="min-w-11 shrink-0 select-none px-1.5 text-right text-muted tabular-nums">{number}</span>
  );
}

/** Kept free, so that nothing moves when it is seen. */
export function LineAction({ children }: { children: ReactNode }) {
  return (
    <span className="flex w-6 shrink-0 justify-center opacity-0 focus-within:opacity-100 group-hover/line:opacity-100 coarse:w-11 coarse:opacity-100">
      {children}
    </span>
  );
}

/** Stays in sight where long lines scroll away. */
export function LineNote({ children }: { children: ReactNode }) {
  return (
    <div className="sticky left-0 w-fit max-w-full whitespace-normal font-sans text-[13px]">{children}</div>
  );
}

export type LineTextProps = { row: DiffRow; tokens: DiffTokens; isWrapped?: boolean };

export function LineText({ row, tokens, isWrapped = false }: LineTextProps) {
  const { t } = useLocale();
  const spoken = row.kind === 'added' || row.kind === 'removed' ? t(`content.${row.kind}`) : null;
  return (
    <>
      <span aria-hidden className="w-5 shrink-0 select-none whitespace-pre text-center text-muted">
        {signs[row.kind]}
      </span>
      {spoken !== null && <span className="sr-only">{spoken}</span>}
      <code
        className={cn('min-w-0 flex-1 pr-3', isWrapped ? 'whitespace-pre-wrap break-all' : 'whitespace-pre')}
      >
        <CodeLine text={boundLine(row.text, LONGEST_LINE)} tokens={tokens.get(row)} />
      </code>
    </>
  );
}
