import type { Approval } from '@greenroom/client';
import { useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { ErrorNote } from '../ui/error-note.tsx';
import { ApprovalCard } from './approval-card.tsx';
import { LeftApproval } from './left-approval.tsx';
import { MAX_PENDING, useSessionApprovals } from './use-approvals.ts';
import { useStill } from './use-still.ts';

/** All that the session waits on, the oldest first; and what was taken from under somebody's hands. */
export function PendingApprovals({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const { approvals, error, refetch } = useSessionApprovals(sessionId);
  const [left, forgetLeft] = useLeft(approvals);
  const frame = useRef<HTMLElement>(null);
  useStill(frame);
  const isEmpty = approvals.length === 0 && left.length === 0 && error === null;
  return (
    <section
      ref={frame}
      aria-label={t('approval.title.all')}
      className={isEmpty ? 'sr-only' : 'flex max-h-[65dvh] flex-col gap-3 overflow-y-auto'}
    >
      <p role="status" className="sr-only">
        {approvals.length > 0 && t('approval.waiting', { count: approvals.length })}
      </p>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {left.map((approval) => (
        <LeftApproval
          key={approval.approval_id}
          id={approval.approval_id}
          onDismiss={() => forgetLeft(approval)}
        />
      ))}
      {approvals.map((approval, index) => (
        <ApprovalCard
          key={approval.approval_id}
          approval={approval}
          isCompact={false}
          hasKeys={index === 0}
        />
      ))}
      {approvals.length === MAX_PENDING && <p className="text-muted text-xs">{t('approval.newest')}</p>}
    </section>
  );
}

/** Those that were shown here and are not pending any more. */
function useLeft(approvals: readonly Approval[]): [Approval[], (approval: Approval) => void] {
  const [shown, setShown] = useState(approvals);
  const [left, setLeft] = useState<Approval[]>([]);
  if (shown !== approvals && keyOf(shown) !== keyOf(approvals)) {
    const gone = shown.filter((one) => !approvals.some(({ approval_id }) => approval_id === one.approval_id));
    setShown(approvals);
    if (gone.length > 0) setLeft([...left, ...gone]);
  }
  return [left, (approval) => setLeft(left.filter((one) => one !== approval))];
}

function keyOf(approvals: readonly Approval[]): string {
  return approvals.map(({ approval_id }) => approval_id).join();
}
