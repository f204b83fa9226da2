import { Ban, Check, CircleHelp, Hourglass, LoaderCircle, type LucideIcon, PenLine, X } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCallState } from '../log/item.ts';
import { cn } from '../ui/class-names.ts';

const icons: Record<ToolCallState, [LucideIcon, string]> = {
  writing: [PenLine, 'animate-pulse text-working'],
  waiting: [Hourglass, 'text-needs'],
  running: [LoaderCircle, 'animate-spin text-working'],
  done: [Check, 'text-done'],
  failed: [X, 'text-danger'],
  denied: [Ban, 'text-needs'],
  unknown: [CircleHelp, 'text-muted'],
};

export function CallStateIcon({ state }: { state: ToolCallState }) {
  const { t } = useLocale();
  const [Icon, look] = icons[state];
  const text = t(`tool.state.${state}`);
  return (
    <span title={text} className="inline-flex">
      <Icon aria-hidden className={cn('size-4', look)} />
      <span className="sr-only">{text}</span>
    </span>
  );
}
