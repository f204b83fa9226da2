import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Download, Trash2 } from 'lucide-react';
import { useEffect, useState } from 'react';
import { apiUrl, client } from '../api/client.ts';
import { Code } from '../content/code.tsx';
import { markInvisible } from '../content/invisible.ts';
import { languageOfPath } from '../content/language.ts';
import { formatBytes } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button, buttonLook } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { decodeText, nameOf, parentOf, SHOWN_BYTES, toUrlPath } from './file-path.ts';

/** Pictures that browsers show and that can run nothing. */
const pictures: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
]);
const LARGEST_PICTURE = 10_000_000;

/** One file: its text, as far as it is shown; its picture; or that it is neither. */
export function FileView({ sessionId, path }: { sessionId: string; path: string }) {
  const { t, locale } = useLocale();
  const { data, error, isPending, refetch } = useFile(sessionId, path);
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        <a
          className={buttonLook({ size: 'small' })}
          href={`${apiUrl}/sessions/${sessionId}/files/${toUrlPath(path)}`}
          download={nameOf(path)}
        >
          <Download aria-hidden />
          {t('panel.files.download')}
        </a>
        <DeleteFile sessionId={sessionId} path={path} />
        {data !== undefined && <span className="text-muted text-xs">{formatBytes(data.size, locale)}</span>}
      </div>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {isPending && error === null && <Spinner label={t('app.loading')} />}
      {data !== undefined && <FileContent file={data} path={path} />}
    </div>
  );
}

type Shown = { size: number; bytes: Uint8Array<ArrayBuffer>; pictureType: string | null };

function useFile(sessionId: string, path: string) {
  return useQuery({
    queryKey: ['files', sessionId, path, 'content'],
    queryFn: async ({ signal }): Promise<Shown> => {
      const pictureType = pictures.get(path.split('.').at(-1)?.toLowerCase() ?? '') ?? null;
      const last = (pictureType === null ? SHOWN_BYTES : LARGEST_PICTURE) - 1;
      const response = await openPart(sessionId, path, { last, signal });
      const bytes = new Uint8Array(await response.arrayBuffer());
      const whole = /\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1];
      return { size: whole === undefined ? bytes.length : Number(whole), bytes, pictureType };
    },
    gcTime: 0,
  });
}

/** A file that is empty has no range. */
async function openPart(
  sessionId: string,
  path: string,
  { last, signal }: { last: number; signal: AbortSignal },
): Promise<Response> {
  const { files } = client.sessions;
  return await files.open(sessionId, path, { range: `bytes=0-${last}`, signal }).catch(async (error) => {
    if (error.code !== 'range_not_satisfiable') throw error;
    return await files.open(sessionId, path, { signal });
  });
}

function FileContent({ file, path }: { file: Shown; path: string }) {
  const { t } = useLocale();
  const { size, bytes, pictureType } = file;
  const isCut = bytes.length < size;
  if (pictureType !== null && !isCut) return <Picture bytes={bytes} type={pictureType} name={nameOf(path)} />;
  const text = pictureType === null ? decodeText(bytes, isCut) : null;
  if (text === null) return <p className="text-[13px] text-muted">{t('panel.files.binary')}</p>;
  if (text === '') return <p className="text-[13px] text-muted">{t('panel.files.blank')}</p>;
  return (
    <>
      <Code text={text} language={languageOfPath(path)} label={path} maxLines={500} startLine={1} />
      {isCut && <p className="text-muted text-xs">{t('panel.files.cut')}</p>}
    </>
  );
}

function Picture({ bytes, type, name }: { bytes: Uint8Array<ArrayBuffer>; type: string; name: string }) {
  const { t } = useLocale();
  const [url, setUrl] = useState<string | null>(null);
  const [isNone, setNone] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([bytes], { type }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [bytes, type]);
  if (isNone) return <p className="text-[13px] text-muted">{t('panel.files.noPicture')}</p>;
  return (
    url !== null && (
      <img src={url} alt={name} className="max-w-full rounded-md border" onError={() => setNone(true)} />
    )
  );
}

const route = getRouteApi('/sessions/$sessionId');

function DeleteFile({ sessionId, path }: { sessionId: string; path: string }) {
  const { t } = useLocale();
  const [isAsked, setAsked] = useState(false);
  const queries = useQueryClient();
  const navigate = route.useNavigate();
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => await client.sessions.files.delete(sessionId, path),
    onSuccess: async () => {
      setAsked(false);
      const directory = parentOf(path);
      await navigate({
        search: ({ file: _, ...search }) =>
          directory === '' ? search : { ...search, file: `${directory}/` },
        replace: true,
      });
      await queries.invalidateQueries({ queryKey: ['files', sessionId] });
      await queries.invalidateQueries({ queryKey: ['changes', sessionId] });
    },
  });
  return (
    <>
      <Button size="small" kind="danger" onClick={() => setAsked(true)}>
        <Trash2 aria-hidden />
        {t('common.delete')}
      </Button>
      <Dialog
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={t('panel.files.deleteTitle', { name: markInvisible(nameOf(path)) })}
      >
        {error !== null && <ErrorNote error={error} />}
        <div className="flex justify-end gap-3">
          <Button onClick={() => setAsked(false)}>{t('common.cancel')}</Button>
          <Button kind="danger" disabled={isPending} onClick={() => mutate()}>
            {t('common.delete')}
          </Button>
        </div>
      </Dialog>
    </>
  );
}
