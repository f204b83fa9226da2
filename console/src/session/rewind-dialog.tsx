import type { Rewind } from '@greenroom/client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { useSession } from '../api/use-session.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Field } from '../ui/field.tsx';
import { Select } from '../ui/select.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { toasts } from '../ui/toast.tsx';

export type RewindDialogProps = { sessionId: string; to: string | null; onClose: () => void };

/** Files go back to what they were; what that would change is shown before it is done. */
export function RewindDialog({ sessionId, to, onClose }: RewindDialogProps) {
  const { t } = useLocale();
  const [chosen, choose] = useState(to ?? 'start');
  return (
    <Dialog
      isOpen
      onClose={onClose}
      title={t('acts.rewind.title')}
      description={t('acts.rewind.says')}
      className="w-[min(94vw,42rem)]"
    >
      <div className="flex flex-col gap-4">
        <TurnChoice sessionId={sessionId} value={chosen} onChoose={choose} />
        <Preview key={chosen} sessionId={sessionId} to={chosen} onClose={onClose} />
      </div>
    </Dialog>
  );
}

type TurnChoiceProps = { sessionId: string; value: string; onChoose: (to: string) => void };

function TurnChoice({ sessionId, value, onChoose }: TurnChoiceProps) {
  const { t } = useLocale();
  const { data: session } = useSession(sessionId);
  const begun = (session?.turns ?? []).filter(({ started_at: at }) => at !== null);
  const turns = begun.map(({ turn_id: id, number, prompt }) => ({
    value: id,
    label: t('acts.rewind.turn', { number, prompt: prompt.slice(0, 60).replace(/\s+/g, ' ') }),
  }));
  const other = value === 'start' || turns.some((turn) => turn.value === value);
  return (
    <Field label={t('acts.rewind.to')}>
      {({ id, 'aria-describedby': describedBy }) => (
        <Select
          id={id}
          aria-describedby={describedBy}
          value={value}
          options={[
            { value: 'start', label: t('acts.rewind.start') },
            ...(other ? [] : [{ value, label: t('acts.rewind.chosen') }]),
            ...turns,
          ]}
          onChoose={onChoose}
        />
      )}
    </Field>
  );
}

function Preview({ sessionId, to, onClose }: { sessionId: string; to: string; onClose: () => void }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const preview = useQuery({
    queryKey: ['rewind', sessionId, to],
    queryFn: async ({ signal }) => await client.sessions.rewind(sessionId, { to, dry_run: true }, { signal }),
    // It is of now.
    staleTime: 0,
    gcTime: 0,
  });
  const rewind = useMutation({
    mutationFn: async () => await client.sessions.rewind(sessionId, { to }),
    onSuccess: ({ files_changed: files, conflicts }) => {
      if (conflicts.length > 0) return;
      toasts.add({ title: t('acts.rewind.done', { count: files.length }) });
      onClose();
    },
    onSettled: async () => {
      for (const name of ['changes', 'files'])
        await queries.invalidateQueries({ queryKey: [name, sessionId] });
    },
  });
  if (preview.isPending) return <Spinner label={t('acts.rewind.looking')} />;
  if (preview.isError) return <ErrorNote error={preview.error} onRetry={() => void preview.refetch()} />;
  if (rewind.isSuccess) return <Conflicts rewind={rewind.data} onClose={onClose} />;
  const count = preview.data.files_changed.length;
  return (
    <>
      <RewoundFiles rewind={preview.data} />
      {rewind.isError && <ErrorNote error={rewind.error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t('common.cancel')}</Button>
        <Button kind="danger" disabled={count === 0 || rewind.isPending} onClick={() => rewind.mutate()}>
          {t('acts.rewind.do', { count })}
        </Button>
      </div>
    </>
  );
}

const SHOWN = 500;

function RewoundFiles({ rewind }: { rewind: Rewind }) {
  const { t } = useLocale();
  const { files, files_changed: changed, insertions, deletions, conflicts } = rewind;
  if (changed.length === 0) return <p className="text-[13px] text-muted">{t('acts.rewind.nothing')}</p>;
  return (
    <div className="flex flex-col gap-2 text-[13px]">
      <p>
        {t('acts.rewind.would', { count: changed.length })} <Lines added={insertions} removed={deletions} />
      </p>
      <ul className="max-h-72 overflow-y-auto rounded-md border">
        {files.slice(0, SHOWN).map(({ path, action, additions, deletions: removed, binary }) => (
          <li key={path} className="flex items-baseline gap-3 border-t px-3 py-1 first:border-t-0">
            <span className={action === 'delete' ? 'w-20 shrink-0 text-danger' : 'w-20 shrink-0 text-muted'}>
              {t(`acts.rewind.action.${action}`)}
            </span>
            <span className="min-w-0 flex-1 break-all font-mono text-xs">
              <SafeText text={path} />
            </span>
            {binary ? (
              <span className="text-muted text-xs">{t('acts.rewind.binary')}</span>
            ) : (
              <Lines added={additions} removed={removed} />
            )}
          </li>
        ))}
      </ul>
      {changed.length > Math.min(SHOWN, files.length) && (
        <p className="text-muted text-xs">
          {t('acts.rewind.more', { count: changed.length - Math.min(SHOWN, files.length) })}
        </p>
      )}
      {conflicts.length > 0 && <ConflictList conflicts={conflicts} />}
    </div>
  );
}

function Lines({ added, removed }: { added: number; removed: number }) {
  const { t } = useLocale();
  return (
    <span className="whitespace-nowrap text-xs tabular-nums">
      <span className="text-done">{t('tool.added', { count: added })}</span>{' '}
      <span className="text-danger">{t('tool.removed', { count: removed })}</span>
    </span>
  );
}

function ConflictList({ conflicts }: Pick<Rewind, 'conflicts'>) {
  const { t } = useLocale();
  return (
    <section className="rounded-md border border-needs-line bg-needs-soft px-3 py-2 text-[13px]">
      <h3 className="font-medium">{t('acts.rewind.conflicts', { count: conflicts.length })}</h3>
      <ul className="mt-1 max-h-48 overflow-y-auto">
        {conflicts.map(({ path, reason }) => (
          <li key={path}>
            <span className="font-mono text-xs">
              <SafeText text={path} />
            </span>{' '}
            <span className="text-muted">{reason}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Conflicts({ rewind, onClose }: { rewind: Rewind; onClose: () => void }) {
  const { t } = useLocale();
  return (
    <div className="flex flex-col gap-3">
      <p className="text-[13px]">{t('acts.rewind.done', { count: rewind.files_changed.length })}</p>
      <ConflictList conflicts={rewind.conflicts} />
      <Button className="self-end" onClick={onClose}>
        {t('common.close')}
      </Button>
    </div>
  );
}
