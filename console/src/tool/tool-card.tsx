import { ChevronRight } from 'lucide-react';
import { memo, useId } from 'react';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { cn } from '../ui/class-names.ts';
import { CallDuration } from './call-duration.tsx';
import { CallStateIcon } from './call-state-icon.tsx';
import { CardBody } from './card-body.tsx';
import { iconOf } from './kinds.tsx';
import { OutcomeList, Subject } from './line-parts.tsx';
import { readLine } from './lines.ts';
import { useOpenCall } from './open-calls.ts';

export type ToolCardProps = {
  call: ToolCall;
  sessionId: string;
  /** Of a call that started a subagent: shows its transcript. */
  onOpenAgent?: () => void;
};

/** One call in one line; opens for what went in and came out, by itself where it failed. */
export const ToolCard = memo(function ToolCard({ call, sessionId, onOpenAgent }: ToolCardProps) {
  const bodyId = useId();
  const [isOpen, setOpen] = useOpenCall(`${sessionId} ${call.id}`, call.state === 'failed');
  return (
    <article className="min-w-0 overflow-hidden rounded-lg border bg-panel">
      <CardLine call={call} isOpen={isOpen} bodyId={bodyId} onToggle={() => setOpen(!isOpen)} />
      {isOpen && (
        <div id={bodyId} className="border-t">
          <CardBody call={call} {...(onOpenAgent !== undefined && { onOpenAgent })} />
        </div>
      )}
    </article>
  );
});

type CardLineProps = { call: ToolCall; isOpen: boolean; bodyId: string; onToggle: () => void };

function CardLine({ call, isOpen, bodyId, onToggle }: CardLineProps) {
  const { t } = useLocale();
  const Icon = iconOf(call.name);
  const line = readLine(call);
  return (
    <button
      type="button"
      aria-expanded={isOpen}
      aria-controls={isOpen ? bodyId : undefined}
      onClick={onToggle}
      className="flex h-9 w-full items-center gap-2.5 px-3 text-left text-[13px] -outline-offset-2 hover:bg-hover coarse:h-11"
    >
      <Icon aria-hidden className="size-4 shrink-0 text-muted" />
      {line.verb !== null && <span className="shrink-0">{t(line.verb)}</span>}
      <Subject line={line} />
      <span className="ml-auto flex shrink-0 items-center gap-2.5 pl-2 text-muted text-xs">
        <OutcomeList outcomes={line.outcomes} />
        <CallDuration call={call} />
        <CallStateIcon state={call.state} />
        <ChevronRight aria-hidden className={cn('size-4 transition-transform', isOpen && 'rotate-90')} />
      </span>
    </button>
  );
}
