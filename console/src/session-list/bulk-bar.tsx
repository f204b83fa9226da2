import type { SessionSummary } from '@greenroom/client';
import { Archive, ArchiveRestore, CircleStop, MailOpen, Trash2, X } from 'lucide-react';
import type { ReactNode } from 'react';
import { useLocale } from '../i18n/locale.ts';
import type { WordKey } from '../i18n/words.ts';
import { summaries, useAnySummary } from '../live/summaries.ts';
import { Button } from '../ui/button.tsx';
import { type BulkAct, bulkActs, touches } from './bulk.ts';
import type { Asked } from './session-list.tsx';

type BulkBarProps = {
  ids: readonly string[];
  onClear: () => void;
  onAsk: (asked: Asked) => void;
};

export const bulkWords: Record<BulkAct, WordKey> = {
  archive: 'sessions.bulk.archive',
  unarchive: 'sessions.bulk.unarchive',
  read: 'sessions.bulk.read',
  cancel: 'sessions.bulk.cancel',
  delete: 'sessions.bulk.delete',
};

const icons: Record<BulkAct, ReactNode> = {
  archive: <Archive aria-hidden />,
  unarchive: <ArchiveRestore aria-hidden />,
  read: <MailOpen aria-hidden />,
  cancel: <CircleStop aria-hidden />,
  delete: <Trash2 aria-hidden />,
};

/** What can be done with all that is selected, each with the number that it would touch. */
export function BulkBar({ ids, onClear, onAsk }: BulkBarProps) {
  const { t } = useLocale();
  useAnySummary();
  const known = ids.map((id) => summaries.get(id)).filter((summary) => summary !== undefined);
  return (
    <div
      role="toolbar"
      aria-label={t('sessions.bulk.label')}
      className="sticky bottom-3 z-30 mx-auto flex w-fit max-w-[96%] flex-wrap items-center justify-center gap-1.5 rounded-xl border border-line-strong bg-panel p-1.5 pl-3 shadow-raised sm:bottom-5"
    >
      <span className="pr-1 font-medium text-[13px] tabular-nums">
        {t('sessions.selected', { count: ids.length })}
      </span>
      {bulkActs.map((act) => (
        <ActButton
          key={act}
          act={act}
          ids={ids}
          touched={known.filter((one) => touches(act, one))}
          onAsk={onAsk}
        />
      ))}
      <Button kind="quiet" size="iconSmall" aria-label={t('sessions.clearSelection')} onClick={onClear}>
        <X aria-hidden />
      </Button>
    </div>
  );
}

type ActButtonProps = {
  act: BulkAct;
  ids: readonly string[];
  touched: readonly SessionSummary[];
  onAsk: (asked: Asked) => void;
};

function ActButton({ act, ids, touched, onAsk }: ActButtonProps) {
  const { t } = useLocale();
  if (touched.length === 0) return null;
  return (
    <Button size="small" kind={act === 'delete' ? 'danger' : 'secondary'} onClick={() => onAsk({ act, ids })}>
      {icons[act]}
      {t(bulkWords[act], { count: touched.length })}
    </Button>
  );
}
