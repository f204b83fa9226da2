import { cn } from '../ui/class-names.ts';
import { type DiffRowsProps, grounds, LineAction, LineNote, LineNumber, LineText } from './diff-rows.tsx';
import { type DiffRow, lineOf, type SplitRow, splitRows } from './patch.ts';

/** Before on the left, after on the right. */
export function SplitDiffRows({ rows, ...shared }: DiffRowsProps) {
  return (
    <table className="w-full min-w-[48rem] table-fixed border-collapse font-mono text-[12.5px] leading-[1.6]">
      <tbody>
        {splitRows(rows).map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: Rows have no other name than their place.
          <SplitLine key={index} row={row} {...shared} />
        ))}
      </tbody>
    </table>
  );
}

type SharedProps = Omit<DiffRowsProps, 'rows'>;

function SplitLine({ row: { left, right }, ...shared }: SharedProps & { row: SplitRow }) {
  const sides = left === right ? [right] : [left, right];
  const notes = sides
    .map((row) => (row === null ? null : lineOf(row, shared.file)))
    .map((line) => (line === null ? null : shared.lineNote?.(line)))
    .filter((note) => note !== null && note !== undefined && note !== false);
  return (
    <>
      <tr>
        <Half row={left} side="old" hasAction={left?.kind === 'removed'} {...shared} />
        <Half row={right} side="new" hasAction {...shared} />
      </tr>
      {notes.map((note, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: At most one a side.
        <LineNote key={index} columns={2}>
          {note}
        </LineNote>
      ))}
    </>
  );
}

type HalfProps = SharedProps & { row: DiffRow | null; side: 'old' | 'new'; hasAction: boolean };

/** A table within a cell keeps each half's number beside its text, and both halves equally wide. */
function Half({ row, side, hasAction, file, tokens, hasNumbers, lineAction }: HalfProps) {
  if (row === null) return <td className="border-l bg-raised first:border-l-0" />;
  const line = lineOf(row, file);
  return (
    <td className={cn('group/line border-l p-0 align-top first:border-l-0', grounds[row.kind])}>
      <table className="w-full border-collapse" role="presentation">
        <tbody>
          <tr>
            {hasNumbers && <LineNumber number={side === 'old' ? row.oldNumber : row.newNumber} />}
            {lineAction !== undefined && (
              <LineAction>{hasAction && line !== null && lineAction(line)}</LineAction>
            )}
            <LineText row={row} tokens={tokens} isWrapped />
          </tr>
        </tbody>
      </table>
    </td>
  );
}
