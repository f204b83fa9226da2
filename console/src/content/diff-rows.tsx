import { cn } from '../ui/class-names.ts';
import { LineAction, LineNote, LineNumber, LineText } from './diff-line.tsx';
import type { LineSlots } from './diff-view.tsx';
import { type DiffRow, lineOf } from './patch.ts';
import type { DiffTokens } from './use-diff-tokens.ts';

export type DiffRowsProps = LineSlots & {
  rows: readonly DiffRow[];
  file: string;
  tokens: DiffTokens;
  hasNumbers: boolean;
};

export const grounds: Record<DiffRow['kind'], string> = {
  added: 'bg-added',
  removed: 'bg-removed',
  context: '',
  gap: 'bg-raised text-muted',
  note: 'text-muted',
};

/** One below the other, as patches are written. */
export function DiffRows({ rows, ...shared }: DiffRowsProps) {
  return (
    <div className="w-max min-w-full font-mono text-[12.5px] leading-[1.6]">
      {rows.map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: Rows have no other name than their place.
        <UnifiedRow key={index} row={row} {...shared} />
      ))}
    </div>
  );
}

type UnifiedRowProps = Omit<DiffRowsProps, 'rows'> & { row: DiffRow };

function UnifiedRow({ row, file, tokens, hasNumbers, lineAction, lineNote }: UnifiedRowProps) {
  const line = lineOf(row, file);
  const note = line === null ? null : lineNote?.(line);
  return (
    <>
      <div className={cn('group/line flex items-start', grounds[row.kind])}>
        {hasNumbers && <LineNumber number={row.oldNumber} />}
        {hasNumbers && <LineNumber number={row.newNumber} />}
        {lineAction !== undefined && <LineAction>{line !== null && lineAction(line)}</LineAction>}
        <LineText row={row} tokens={tokens} />
      </div>
      {note !== null && note !== undefined && <LineNote>{note}</LineNote>}
    </>
  );
}
