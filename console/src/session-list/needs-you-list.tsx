import type { Approval } from '@greenroom/client';
import { useQuery } from '@tanstack/react-query';
import { CircleCheck, Hand } from 'lucide-react';
import { useLayoutEffect, useRef, useState } from 'react';
import { client } from '../api/client.ts';
import { ApprovalCard } from '../approval/approval-card.tsx';
import { readDraft, wordsOf } from '../approval/draft.ts';
import { LeftApproval } from '../approval/left-approval.tsx';
import { useStill } from '../approval/use-still.ts';
import { useLocale } from '../i18n/locale.ts';
import { titleOf } from '../live/session-title.ts';
import { useSummary } from '../live/summaries.ts';
import { Button } from '../ui/button.tsx';
import { type Slot, takePending } from './strip-slots.ts';
import { usePointing } from './use-pointing.ts';

const SHOWN = 4;

export type NeedsYouListProps = {
  /** Undefined until it is known. */
  pending: readonly Approval[] | undefined;
  /** Somebody points at the rows below. */
  isHeld: boolean;
};

/** What agents wait for, over all sessions, answered in place. */
export function NeedsYouList({ pending, isHeld }: NeedsYouListProps) {
  const { t } = useLocale();
  const { pointing, handlers } = usePointing();
  const [slots, drop] = useSlots(pending, { isHeld, isPointed: pointing !== 'away' });
  const [isAll, setAll] = useState(false);
  const frame = useRef<HTMLUListElement>(null);
  useStill(frame, slots.length > 0);
  if (slots.length === 0) return null;
  const shown = isAll ? slots : slots.slice(0, SHOWN);
  const waiting = slots.filter(({ isPending }) => isPending).length;
  return (
    <section aria-label={t('sessions.needsYou.title')} className="flex flex-col gap-2" {...handlers}>
      <h2 className="flex items-center gap-2 font-medium text-[13px] text-needs">
        <Hand aria-hidden className="size-4" />
        <span role="status">{t('sessions.needsYou.count', { count: waiting })}</span>
      </h2>
      <ul ref={frame} className="grid grid-cols-1 items-start gap-2 lg:grid-cols-2">
        {shown.map((slot) => (
          <StripSlot
            key={slot.approval.approval_id}
            slot={slot}
            onDismiss={() => pointing === 'away' && drop(slot.approval.approval_id)}
          />
        ))}
      </ul>
      {slots.length > SHOWN && (
        <Button size="small" kind="quiet" className="self-start" onClick={() => setAll(!isAll)}>
          {isAll ? t('sessions.needsYou.fewer') : t('sessions.needsYou.all', { count: slots.length - SHOWN })}
        </Button>
      )}
    </section>
  );
}

/** What was answered keeps its place while somebody points at the strip: the next one would slip under the pointer. So do words of somebody. */
function useSlots(
  pending: readonly Approval[] | undefined,
  { isHeld, isPointed }: { isHeld: boolean; isPointed: boolean },
): [readonly Slot[], (id: string) => void] {
  const [slots, setSlots] = useState<readonly Slot[]>([]);
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (pending === undefined || (isHeld && !isFirst.current)) return;
    isFirst.current = false;
    setSlots((now) =>
      takePending(now, pending, {
        keeps: ({ approval_id: id }) => isPointed || hasWords(id),
      }),
    );
  }, [pending, isHeld, isPointed]);
  const drop = (id: string): void =>
    setSlots((now) => now.filter(({ approval, isPending }) => isPending || approval.approval_id !== id));
  return [slots, drop];
}

function hasWords(id: string): boolean {
  return wordsOf(readDraft(id)) !== '';
}

/** Compact cards name their session. */
function StripSlot({ slot, onDismiss }: { slot: Slot; onDismiss: () => void }) {
  const { approval, isPending } = slot;
  const place = useRef<HTMLLIElement>(null);
  const [height, setHeight] = useState(0);
  useLayoutEffect(() => {
    if (isPending) setHeight(place.current?.offsetHeight ?? 0);
  });
  return (
    <li ref={place} style={{ minHeight: isPending ? undefined : height }} className="flex min-w-0 flex-col">
      {isPending ? (
        <ApprovalCard approval={approval} isCompact />
      ) : (
        <NoLongerPending approval={approval} onDismiss={onDismiss} />
      )}
    </li>
  );
}

function NoLongerPending({ approval, onDismiss }: { approval: Approval; onDismiss: () => void }) {
  const [isLeft, setLeft] = useState(() => hasWords(approval.approval_id));
  const dismiss = (): void => {
    setLeft(false);
    onDismiss();
  };
  if (isLeft) return <LeftApproval id={approval.approval_id} onDismiss={dismiss} />;
  return <Answered approval={approval} />;
}

/** What came of it: it may have been somebody else who answered, or its time was over. */
function Answered({ approval }: { approval: Approval }) {
  const { t } = useLocale();
  const summary = useSummary(approval.session_id);
  const { data } = useQuery({
    queryKey: ['approvals', 'one', approval.approval_id],
    queryFn: async ({ signal }) => await client.approvals.get(approval.approval_id, { signal }),
  });
  return (
    <div className="flex flex-1 items-center gap-2.5 rounded-lg border bg-raised px-3 py-2.5 text-[13px] text-muted">
      <CircleCheck aria-hidden className="size-4 shrink-0" />
      <bdi className="min-w-0 truncate">{(summary && titleOf(summary)) ?? approval.session_id}</bdi>
      <span role="status" className="ml-auto shrink-0">
        {t(`sessions.needsYou.status.${data?.status ?? 'pending'}`)}
      </span>
    </div>
  );
}
