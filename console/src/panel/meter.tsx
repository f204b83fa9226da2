import { cn } from '../ui/class-names.ts';

export type MeterProps = {
  label: string;
  /** The numbers in words: what is drawn is never all that says it. */
  text: string;
  /** 0 to 1, or more; null where there is no limit. */
  part: number | null;
  note?: string;
};

const NEARLY_FULL = 0.8;

/** How much of something is used. */
export function Meter({ label, text, part, note }: MeterProps) {
  const isFull = part !== null && part >= 1;
  return (
    <section className="flex flex-col gap-1 text-[13px]">
      <div className="flex items-baseline justify-between gap-4">
        <span className="text-muted">{label}</span>
        <span className="tabular-nums">{text}</span>
      </div>
      {part !== null && (
        <div aria-hidden className="h-1.5 overflow-hidden rounded-full bg-raised">
          <div
            className={cn(
              'h-full rounded-full',
              isFull ? 'bg-danger' : part >= NEARLY_FULL ? 'bg-needs' : 'bg-done',
            )}
            style={{ width: `${Math.min(100, part * 100)}%` }}
          />
        </div>
      )}
      {note !== undefined && <span className="text-muted text-xs">{note}</span>}
    </section>
  );
}
