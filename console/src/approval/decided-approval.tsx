import type { Approval } from '@greenroom/client';
import { ChevronRight, CircleCheck, CircleMinus, CircleX } from 'lucide-react';
import { useState } from 'react';
import { markInvisible } from '../content/invisible.ts';
import { SafeText } from '../content/safe-text.tsx';
import { formatTime } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { DecidedDetails } from './decided-details.tsx';
import { describeOutcome, hasDetails, type Outcome } from './outcome.ts';
import { summarize } from './summary.ts';

const icons: Record<Outcome['tone'], React.ReactNode> = {
  done: <CircleCheck aria-hidden className="text-done" />,
  danger: <CircleX aria-hidden className="text-danger" />,
  plain: <CircleMinus aria-hidden className="text-muted" />,
};

/** One row: what was asked, what came of it, through whom and when; the answer itself where there is more to it. */
export function DecidedApproval({ approval }: { approval: Approval }) {
  const { t, locale } = useLocale();
  const [isOpen, setOpen] = useState(false);
  const { says, values, tone } = describeOutcome(approval);
  const when = approval.decided_at === null ? null : new Date(approval.decided_at);
  const row = (
    <>
      {icons[tone]}
      <Asked approval={approval} />
      <span className="shrink-0 text-muted text-xs">
        {t(says, { who: markInvisible(String(values.who)) })}
        {when !== null && (
          <time dateTime={when.toISOString()} title={formatTime(when, locale)} className="ml-2 tabular-nums">
            {when.toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' })}
          </time>
        )}
      </span>
    </>
  );
  const look =
    'flex w-full min-w-0 flex-wrap items-center gap-x-2 gap-y-0.5 px-1 py-1 text-left text-[13px] [&_svg]:size-4 [&_svg]:shrink-0';
  if (!hasDetails(approval)) return <div className={look}>{row}</div>;
  return (
    <div>
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className={cn(look, 'rounded-md hover:bg-hover coarse:min-h-11')}
      >
        {row}
        <ChevronRight aria-hidden className={cn('text-muted', isOpen && 'rotate-90')} />
      </button>
      {isOpen && <DecidedDetails approval={approval} />}
    </div>
  );
}

function Asked({ approval }: { approval: Approval }) {
  const { t } = useLocale();
  const { asks, values, text, isWhole } = summarize(approval);
  const shown = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? markInvisible(value) : value,
    ]),
  );
  return (
    <span className="min-w-0 flex-1 basis-48 truncate">
      <span className="text-muted">{t(asks, shown)}</span>{' '}
      <span
        className={
          approval.kind === 'question' || approval.kind === 'plan' ? undefined : 'font-mono text-[12.5px]'
        }
      >
        <SafeText text={text} />
      </span>
      {!isWhole && ' …'}
    </span>
  );
}
