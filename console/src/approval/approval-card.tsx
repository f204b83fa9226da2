import type { Approval } from '@greenroom/client';
import { lazy, Suspense } from 'react';
import { PlainOnError } from '../content/plain-on-error.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Spinner } from '../ui/spinner.tsx';
import { useKeyed } from '../util/keyed-store.ts';
import { settled } from './approval-cache.ts';
import { CompactCard } from './compact-card.tsx';
import { DecidedApproval } from './decided-approval.tsx';

// Code, diffs and Markdown come with it: the list does without them until a card is opened.
const FullCard = lazy(async () => ({ default: (await import('./full-card.tsx')).FullCard }));

export type ApprovalCardProps = {
  approval: Approval;
  /** On one line, for lists. */
  isCompact: boolean;
  /** Whether `y` and `n` answer it also when nothing has the focus. */
  hasKeys?: boolean;
};

/** What an agent waits on, and the answers that it takes. One that cannot be shown leaves the others there. */
export function ApprovalCard(props: ApprovalCardProps) {
  return (
    <PlainOnError plain={<CardFailure />}>
      <SafeCard {...props} />
    </PlainOnError>
  );
}

function CardFailure() {
  const { t } = useLocale();
  return (
    <p role="alert" className="rounded-lg border border-danger-line bg-danger-soft px-3 py-2 text-[13px]">
      {t('approval.cannotShow')}
    </p>
  );
}

function SafeCard({ approval, isCompact, hasKeys = false }: ApprovalCardProps) {
  const { t } = useLocale();
  const known = useKeyed(settled, approval.approval_id);
  const decided = known ?? (approval.status === 'pending' ? undefined : approval);
  if (known === null) return null;
  // A list may keep its place for a while.
  if (decided !== undefined) return <DecidedApproval approval={decided} />;
  if (isCompact)
    return (
      <CompactCard
        approval={approval}
        renderWhole={() => <ApprovalCard approval={approval} isCompact={false} />}
      />
    );
  return (
    <Suspense fallback={<Spinner label={t('app.loading')} />}>
      <FullCard approval={approval} hasKeys={hasKeys} />
    </Suspense>
  );
}
