import type { Approval } from '@greenroom/client';
import { lazy, Suspense } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Spinner } from '../ui/spinner.tsx';
import { CompactCard } from './compact-card.tsx';

// Code, diffs and Markdown come with it: the list does without them until a card is opened.
const FullCard = lazy(async () => ({ default: (await import('./full-card.tsx')).FullCard }));

export type ApprovalCardProps = {
  approval: Approval;
  /** On one line, for lists. */
  isCompact: boolean;
  /** Whether `y` and `n` answer it also when nothing has the focus. */
  hasKeys?: boolean;
};

/** What an agent waits on, and the answers that it takes. */
export function ApprovalCard({ approval, isCompact, hasKeys = false }: ApprovalCardProps) {
  const { t } = useLocale();
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
