import type { FileChange } from '@greenroom/client';
import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { client } from '../api/client.ts';
import { useSession } from '../api/use-session.ts';
import { type DiffFile, readPatch } from '../content/patch.ts';
import { useLocale } from '../i18n/locale.ts';
import { ErrorNote } from '../ui/error-note.tsx';
import { Select } from '../ui/select.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { ChangedFile } from './changed-file.tsx';
import { CommentTray } from './comment-tray.tsx';
import { openAtFirst } from './open-at-first.ts';

type Since = 'start' | 'turn';

/** What the session changed in its workspace, of the whole of it or in its last turn, with remarks on lines. */
export function ChangesPanel({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const [since, setSince] = useState<Since>('start');
  const { data, error, isPending, refetch } = useChanges(sessionId, since);
  const patches = useMemo(() => byPath(data?.diff ?? ''), [data]);
  const files = data?.files ?? [];
  const open = useMemo(() => openAtFirst(data?.files ?? []), [data]);
  return (
    <div className="flex min-h-full flex-col">
      <div className="flex flex-1 flex-col gap-3 p-4">
        <div className="flex items-center justify-between gap-3">
          <Select<Since>
            aria-label={t('panel.changes.since')}
            className="w-44"
            value={since}
            onChoose={setSince}
            options={[
              { value: 'start', label: t('panel.changes.wholeSession') },
              { value: 'turn', label: t('panel.changes.lastTurn') },
            ]}
          />
          <Totals files={files} />
        </div>
        {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
        {isPending && error === null && <Spinner label={t('app.loading')} />}
        {data !== undefined && files.length === 0 && (
          <p className="text-[13px] text-muted">{t('panel.changes.none')}</p>
        )}
        {files.map((file) => (
          <ChangedFile
            key={file.path}
            sessionId={sessionId}
            file={file}
            patch={patches.get(file.path)}
            isOpenAtFirst={open.has(file.path)}
          />
        ))}
        {data?.truncated && <p className="text-muted text-xs">{t('panel.changes.truncated')}</p>}
        {data !== undefined && data.omitted_files.length > 0 && (
          <p className="text-muted text-xs">
            {t('panel.changes.omitted', { count: data.omitted_files.length })}
          </p>
        )}
      </div>
      <CommentTray sessionId={sessionId} />
    </div>
  );
}

/** Read again at the end of each turn. */
function useChanges(sessionId: string, since: Since) {
  const { data: session } = useSession(sessionId);
  const lastTurn = session?.turns.findLast((turn) => turn.started_at !== null)?.turn_id;
  const from = since === 'turn' ? lastTurn : undefined;
  return useQuery({
    queryKey: ['changes', sessionId, from ?? 'start'],
    queryFn: async ({ signal }) =>
      await client.sessions.changes(sessionId, from === undefined ? {} : { from }, { signal }),
    enabled: since === 'start' || lastTurn !== undefined,
  });
}

function byPath(diff: string): ReadonlyMap<string, DiffFile> {
  return new Map((readPatch(diff, '') ?? []).map((file) => [file.path, file]));
}

function Totals({ files }: { files: readonly FileChange[] }) {
  const { t } = useLocale();
  if (files.length === 0) return null;
  const sum = (count: (file: FileChange) => number | null): number =>
    files.reduce((total, file) => total + (count(file) ?? 0), 0);
  const added = sum((file) => file.additions);
  const removed = sum((file) => file.deletions);
  return (
    <p className="text-muted text-xs tabular-nums">
      {t('panel.changes.files', { count: files.length })}{' '}
      {added > 0 && <span className="text-done">+{added}</span>}{' '}
      {removed > 0 && <span className="text-danger">−{removed}</span>}
    </p>
  );
}
