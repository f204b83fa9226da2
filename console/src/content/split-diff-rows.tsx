import { cn } from '../ui/class-names.ts';
import { LineAction, LineNote, LineNumber, LineText } from './diff-line.tsx';
import { type DiffRowsProps, grounds } from './diff-rows.tsx';
import { type DiffRow, lineOf, type SplitRow, splitRows } from './patch.ts';

/** Before on the left, after on the right. */
export function SplitDiffRows({ rows, ...shared }: DiffRowsProps) {
  return (
    <div className="min-w-[44rem] font-mono text-[12.5px] leading-[1.6]">
      {splitRows(rows).map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: Rows have no other name than their place.
        <SplitLine key={index} row={row} {...shared} />
      ))}
    </div>
  );
}

type SharedProps = Omit<DiffRowsProps, 'rows'>;

/** What stands on both sides has its place for comments on the right. */
function SplitLine({ row: { left, right }, ...shared }: SharedProps & { row: SplitRow }) {
  const own = left === right ? null : left;
  return (
    <>
      <div className="grid grid-cols-2">
        <Half row={left} number={left?.oldNumber} hasAction={own !== null} {...shared} />
        <Half row={right} number={right?.newNumber} hasAction {...shared} />
      </div>
      <Note row={own} {...shared} />
      <Note row={right} {...shared} />
    </>
  );
}

function Note({ row, file, lineNote }: Pick<SharedProps, 'file' | 'lineNote'> & { row: DiffRow | null }) {
  const line = row === null ? null : lineOf(row, file);
  const note = line === null ? null : lineNote?.(line);
  return note === null || note === undefined ? null : <LineNote>{note}</LineNote>;
}

type HalfProps = SharedProps & { row: DiffRow | null; number: number | null | undefined; hasAction: boolean };

function Half({ row, number = null, hasAction, file, tokens, hasNumbers, lineAction }: HalfProps) {
  if (row === null) return <div className="border-l bg-raised first:border-l-0" />;
  const line = lineOf(row, file);
  return (
    <div className={cn('group/line flex min-w-0 items-start border-l first:border-l-0', grounds[row.kind])}>
      {hasNumbers && <LineNumber number={number} />}
      {lineAction !== undefined && <LineAction>{hasAction && line !== null && lineAction(line)}</LineAction>}
      <LineText row={row} tokens={tokens} isWrapped />
    </div>
  );
}
