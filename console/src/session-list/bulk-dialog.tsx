import { useEffect, useRef, useState } from 'react';
import { reasonOf } from '../api/describe-error.ts';
import { useLocale } from '../i18n/locale.ts';
import type { WordKey } from '../i18n/words.ts';
import { shortId, titleOf } from '../live/session-title.ts';
import { summaries } from '../live/summaries.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { toasts } from '../ui/toast.tsx';
import { type BulkAct, type BulkProgress, runBulk, touches } from './bulk.ts';
import { bulkWords } from './bulk-bar.tsx';
import { actOnOne } from './session-acts.ts';

export type BulkDialogProps = {
  act: BulkAct;
  asked: readonly string[];
  onClose: () => void;
  /** Everything was done. */
  onDone: () => void;
};

const done: Record<BulkAct, WordKey> = {
  archive: 'sessions.bulk.doneArchive',
  unarchive: 'sessions.bulk.doneUnarchive',
  read: 'sessions.bulk.doneRead',
  cancel: 'sessions.bulk.doneCancel',
  delete: 'sessions.bulk.doneDelete',
};

const SHOWN = 5;

/** Asks before what cannot be taken back, shows how far it is, and says what failed and why. */
export function BulkDialog({ act, asked, onClose, onDone }: BulkDialogProps) {
  const { t } = useLocale();
  // What was asked about when it was asked: the number in the question is the number that is touched.
  const [ids] = useState(() => asked.filter((id) => isTouched(act, id)));
  /** By now: what failed may have been tried again. */
  const doneCount = useRef(0);
  const run = useBulk(act, (result) => {
    doneCount.current += result.done;
    if (doneCount.current < ids.length) return;
    toasts.add({ title: t(done[act], { count: ids.length }) });
    onDone();
    onClose();
  });
  const needsAsking = act === 'cancel' || act === 'delete';
  const { start } = run;
  const hasBegun = useRef(needsAsking);
  useEffect(() => {
    if (hasBegun.current) return;
    hasBegun.current = true;
    start(ids);
  }, [start, ids]);
  const close = (): void => {
    run.stop();
    onClose();
  };
  const title = act === 'cancel' ? 'sessions.bulk.askCancel' : 'sessions.bulk.askDelete';
  return (
    <Dialog
      isOpen
      onClose={close}
      title={needsAsking ? t(title, { count: ids.length }) : t(bulkWords[act], { count: ids.length })}
    >
      {run.progress === null ? (
        <Question
          act={act}
          ids={ids}
          others={asked.length - ids.length}
          onNo={onClose}
          onYes={() => start(ids)}
        />
      ) : (
        <Course
          progress={run.progress}
          isRunning={run.isRunning}
          onStop={run.stop}
          onClose={close}
          onAgain={start}
        />
      )}
    </Dialog>
  );
}

function isTouched(act: BulkAct, id: string): boolean {
  const summary = summaries.get(id);
  return summary !== undefined && touches(act, summary);
}

/** The course of it; null until it begins. */
function useBulk(act: BulkAct, onEnd: (result: BulkProgress) => void) {
  const [progress, setProgress] = useState<BulkProgress | null>(null);
  const [isRunning, setRunning] = useState(false);
  const stop = useRef(new AbortController());
  const end = useRef(onEnd);
  end.current = onEnd;
  const [start] = useState(() => (ids: readonly string[]): void => {
    stop.current = new AbortController();
    setRunning(true);
    setProgress({ total: ids.length, done: 0, failed: [] });
    const options = { signal: stop.current.signal, onProgress: setProgress };
    void runBulk(ids, async (id) => await actOnOne(act, id), options).then((result) => {
      setRunning(false);
      setProgress(result);
      end.current(result);
    });
  });
  return { progress, isRunning, start, stop: () => stop.current.abort() };
}

type QuestionProps = {
  act: BulkAct;
  ids: readonly string[];
  others: number;
  onNo: () => void;
  onYes: () => void;
};

function Question({ act, ids, others, onNo, onYes }: QuestionProps) {
  const { t } = useLocale();
  const isDelete = act === 'delete';
  return (
    <div className="flex flex-col gap-4 text-[13px]">
      <ul className="flex flex-col gap-1 rounded-lg border bg-raised px-3 py-2">
        {ids.slice(0, SHOWN).map((id) => (
          <SessionName key={id} id={id} />
        ))}
        {ids.length > SHOWN && (
          <li className="text-muted">{t('sessions.bulk.more', { count: ids.length - SHOWN })}</li>
        )}
      </ul>
      <p>{t(isDelete ? 'sessions.bulk.aboutDelete' : 'sessions.bulk.aboutCancel', { count: ids.length })}</p>
      {others > 0 && (
        <p className="text-muted">
          {t(isDelete ? 'sessions.bulk.othersDelete' : 'sessions.bulk.othersCancel', { count: others })}
        </p>
      )}
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onNo}>{t('sessions.bulk.keep', { count: ids.length })}</Button>
        <Button kind="danger" disabled={ids.length === 0} onClick={onYes}>
          {t(bulkWords[act], { count: ids.length })}
        </Button>
      </div>
    </div>
  );
}

/** Also of one that is gone by now. */
function SessionName({ id }: { id: string }) {
  const { t } = useLocale();
  const [summary] = useState(() => summaries.get(id));
  return (
    <li className="flex gap-2">
      <bdi className="min-w-0 flex-1 truncate">{(summary && titleOf(summary)) ?? t('sessions.untitled')}</bdi>
      <span className="font-mono text-muted text-xs">{shortId(id)}</span>
    </li>
  );
}

type CourseProps = {
  progress: BulkProgress;
  isRunning: boolean;
  onStop: () => void;
  onClose: () => void;
  onAgain: (ids: readonly string[]) => void;
};

function Course({ progress, isRunning, onStop, onClose, onAgain }: CourseProps) {
  const { t } = useLocale();
  const { total, done, failed } = progress;
  const ended = done + failed.length;
  const says = t('sessions.bulk.running', { done: ended, total });
  return (
    <div className="flex flex-col gap-4 text-[13px]">
      <div className="flex items-center gap-3">
        <progress className="h-2 flex-1 accent-accent" max={total} value={ended} aria-label={says} />
        <span role="status" className="tabular-nums">
          {says}
        </span>
      </div>
      {failed.length > 0 && <Failures failed={failed} />}
      {!isRunning && ended < total && <p>{t('sessions.bulk.notBegun', { count: total - ended })}</p>}
      <div className="flex flex-wrap justify-end gap-2">
        {isRunning ? (
          <Button onClick={onStop}>{t('sessions.bulk.stop')}</Button>
        ) : (
          <>
            <Button onClick={onClose}>{t('common.close')}</Button>
            {failed.length > 0 && (
              <Button kind="primary" onClick={() => onAgain(failed.map(({ id }) => id))}>
                {t('sessions.bulk.again', { count: failed.length })}
              </Button>
            )}
          </>
        )}
      </div>
    </div>
  );
}

function Failures({ failed }: { failed: BulkProgress['failed'] }) {
  const { t } = useLocale();
  return (
    <div role="alert" className="flex flex-col gap-1">
      <p className="font-medium text-danger">{t('sessions.bulk.failed', { count: failed.length })}</p>
      <ul className="flex max-h-60 flex-col gap-2 overflow-y-auto rounded-lg border border-danger-line bg-danger-soft px-3 py-2">
        {failed.map(({ id, error }) => (
          <li key={id}>
            <ul>
              <SessionName id={id} />
            </ul>
            <p className="text-muted text-xs">{reasonOf(error)}</p>
          </li>
        ))}
      </ul>
    </div>
  );
}
