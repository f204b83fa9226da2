import type { FileEntry } from '@greenroom/client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Download, File, Folder, Link2, Upload } from 'lucide-react';
import { type DragEvent, useRef } from 'react';
import { apiUrl, client } from '../api/client.ts';
import { SafeText } from '../content/safe-text.tsx';
import { formatBytes } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button, buttonLook } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { FileCrumbs } from './file-crumbs.tsx';
import { joinPath } from './file-path.ts';
import { FileView } from './file-view.tsx';

const route = getRouteApi('/sessions/$sessionId');

/** The workspace: directories and files, of which the address names the one that is shown; `a/` is a directory. */
export function FilesPanel({ sessionId }: { sessionId: string }) {
  const { file = '' } = route.useSearch();
  const navigate = route.useNavigate();
  const open = (path: string): void => {
    void navigate({
      search: ({ file: _, ...search }) => (path === '' ? search : { ...search, file: path }),
      replace: true,
    });
  };
  const isDirectory = file === '' || file.endsWith('/');
  const path = file.replace(/\/+$/, '');
  return (
    <div className="flex flex-col gap-3 p-4">
      <FileCrumbs path={path} onOpen={open} />
      {isDirectory ? (
        <Directory key={path} sessionId={sessionId} path={path} onOpen={open} />
      ) : (
        <FileView key={path} sessionId={sessionId} path={path} />
      )}
    </div>
  );
}

type DirectoryProps = { sessionId: string; path: string; onOpen: (path: string) => void };

function Directory({ sessionId, path, onOpen }: DirectoryProps) {
  const { t } = useLocale();
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['files', sessionId, path],
    queryFn: async ({ signal }) => await client.sessions.files.list(sessionId, { path }, { signal }),
  });
  const upload = useUpload(sessionId, path);
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    upload.mutate([...event.dataTransfer.files]);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files may be dropped here; the button does the same
    <div className="flex flex-col gap-3" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <div className="flex flex-wrap gap-2">
        <UploadButton isPending={upload.isPending} onChoose={(files) => upload.mutate(files)} />
        <a
          className={buttonLook({ size: 'small' })}
          href={`${apiUrl}/sessions/${sessionId}/archive${path === '' ? '' : `?path=${encodeURIComponent(path)}`}`}
          download
        >
          <Download aria-hidden />
          {t('panel.files.archive')}
        </a>
      </div>
      {upload.error !== null && <ErrorNote error={upload.error} />}
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {isPending && error === null && <Spinner label={t('app.loading')} />}
      {data?.entries.length === 0 && <p className="text-[13px] text-muted">{t('panel.files.empty')}</p>}
      <ul className="flex flex-col">
        {sorted(data?.entries ?? []).map((entry) => (
          <Entry key={entry.name} entry={entry} onOpen={(name) => onOpen(joinPath(path, name))} />
        ))}
      </ul>
      {data?.truncated && <p className="text-muted text-xs">{t('panel.files.truncated')}</p>}
      {data !== undefined && data.omitted_files.length > 0 && (
        <p className="text-muted text-xs">{t('panel.files.omitted', { count: data.omitted_files.length })}</p>
      )}
    </div>
  );
}

/** Directories first, then by name. */
function sorted(entries: readonly FileEntry[]): FileEntry[] {
  const rank = (entry: FileEntry): number => (entry.type === 'directory' ? 0 : 1);
  return [...entries].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

function Entry({ entry, onOpen }: { entry: FileEntry; onOpen: (name: string) => void }) {
  const { t, locale } = useLocale();
  const { name, type, size } = entry;
  const Icon = type === 'directory' ? Folder : type === 'link' ? Link2 : File;
  const content = (
    <>
      <Icon aria-hidden className="size-4 shrink-0 text-muted" />
      <span className="min-w-0 flex-1 truncate">
        <SafeText text={name} />
        {entry.target !== undefined && (
          <span className="text-muted">
            {' → '}
            <SafeText text={entry.target} />
          </span>
        )}
      </span>
      {type === 'file' && (
        <span className="text-muted text-xs tabular-nums">{formatBytes(size ?? 0, locale)}</span>
      )}
    </>
  );
  const look = 'flex w-full items-center gap-2 rounded-md px-2 py-1 text-left text-[13px] coarse:min-h-11';
  if (type !== 'file' && type !== 'directory') {
    return (
      <li className={`${look} text-muted`} title={t('panel.files.notOpened')}>
        {content}
      </li>
    );
  }
  return (
    <li>
      <button
        type="button"
        className={`${look} hover:bg-hover`}
        onClick={() => onOpen(type === 'directory' ? `${name}/` : name)}
      >
        {content}
      </button>
    </li>
  );
}

function UploadButton({
  isPending,
  onChoose,
}: {
  isPending: boolean;
  onChoose: (files: globalThis.File[]) => void;
}) {
  const { t } = useLocale();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Button size="small" disabled={isPending} onClick={() => input.current?.click()}>
        <Upload aria-hidden />
        {isPending ? t('panel.files.uploading') : t('panel.files.upload')}
      </Button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={t('panel.files.upload')}
        onChange={({ target }) => {
          onChoose([...(target.files ?? [])]);
          // The same file may be chosen again.
          target.value = '';
        }}
      />
    </>
  );
}

/** One after the other: the first that is refused ends it, and says why. */
function useUpload(sessionId: string, directory: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (files: readonly globalThis.File[]) => {
      for (const file of files) {
        await client.sessions.files.write(sessionId, joinPath(directory, file.name), file);
      }
    },
    onSettled: async () => {
      await queries.invalidateQueries({ queryKey: ['files', sessionId] });
      await queries.invalidateQueries({ queryKey: ['changes', sessionId] });
    },
  });
}
