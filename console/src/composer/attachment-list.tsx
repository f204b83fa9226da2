import { FileUp, ImageOff, X } from 'lucide-react';
import { reasonOf } from '../api/describe-error.ts';
import { imageSource } from '../content/image-data.ts';
import { SafeText } from '../content/safe-text.tsx';
import { formatBytes } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { useStore } from '../util/store.ts';
import { dropUpload, type Upload, upload, uploads } from './attach.ts';
import { changeDraft, drafts } from './drafts.ts';
import { forgetImages, type ImageRef, imageData, outlivesPage } from './image-store.ts';

/** Images that go with the message, and files that are on their way into the workspace. */
export function AttachmentList({ sessionId, images }: { sessionId: string; images: readonly ImageRef[] }) {
  const { t } = useLocale();
  const own = useStore(uploads).filter((entry) => entry.sessionId === sessionId);
  if (images.length === 0 && own.length === 0) return null;
  return (
    <ul aria-label={t('composer.attachments')} className="flex flex-wrap gap-2 px-3 pt-3">
      {images.map((image) => (
        <ImageChip key={image.id} sessionId={sessionId} image={image} />
      ))}
      {own.map((entry) => (
        <UploadChip key={entry.id} entry={entry} />
      ))}
    </ul>
  );
}

function ImageChip({ sessionId, image }: { sessionId: string; image: ImageRef }) {
  const { t, locale } = useLocale();
  const data = imageData(image.id);
  const source = data === null ? null : imageSource(data);
  const remove = (): void => {
    changeDraft(sessionId, { images: drafts.get(sessionId).images.filter(({ id }) => id !== image.id) });
    forgetImages([image]);
  };
  const note =
    source === null ? t('composer.image.lost') : outlivesPage(image) ? null : t('composer.image.large');
  return (
    <li className="flex max-w-64 items-center gap-2 rounded-lg border bg-raised p-1 pr-0.5 text-xs">
      {source === null ? (
        <ImageOff aria-hidden className="m-2 size-5 text-danger" />
      ) : (
        <img src={source} alt="" className="size-10 rounded-md border bg-panel object-cover" />
      )}
      <span className="flex min-w-0 flex-col">
        <span className="truncate">
          <SafeText text={image.name} />
        </span>
        <span className="text-muted">{note ?? formatBytes(image.bytes, locale)}</span>
      </span>
      <Button
        kind="quiet"
        size="iconSmall"
        aria-label={t('composer.image.remove', { name: image.name })}
        onClick={remove}
      >
        <X aria-hidden />
      </Button>
    </li>
  );
}

function UploadChip({ entry }: { entry: Upload }) {
  const { t, locale } = useLocale();
  const { id, sessionId, file, error } = entry;
  const retry = (): void => {
    dropUpload(id);
    void upload(sessionId, file);
  };
  return (
    <li className="flex max-w-full items-center gap-2 rounded-lg border bg-raised px-2 py-1 text-xs">
      {error === null ? (
        <Spinner label={t('composer.uploading')} />
      ) : (
        <FileUp aria-hidden className="size-4 text-danger" />
      )}
      <span className="flex min-w-0 flex-col">
        <span className="truncate">
          <SafeText text={file.name} /> · {formatBytes(file.size, locale)}
        </span>
        {error !== null && (
          <span role="alert" className="text-danger">
            {reasonOf(error)}
          </span>
        )}
      </span>
      {error !== null && (
        <>
          <Button size="small" onClick={retry}>
            {t('common.retry')}
          </Button>
          <Button
            kind="quiet"
            size="iconSmall"
            aria-label={t('composer.image.remove', { name: file.name })}
            onClick={() => dropUpload(id)}
          >
            <X aria-hidden />
          </Button>
        </>
      )}
    </li>
  );
}
