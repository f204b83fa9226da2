import { ImageOff } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Dialog } from '../ui/dialog.tsx';
import { oneLine } from './bounds.ts';
import { imageSource, toImage } from './image-data.ts';
import { markInvisible } from './invisible.ts';
import { SafeText } from './safe-text.tsx';

export type DataImageProps = { base64: string; alt: string; mediaType?: string };

/** An image from its data; says so where the data is none, whatever it is called. Opens large. */
export function DataImage({ base64, alt, mediaType }: DataImageProps) {
  const source = useMemo(() => imageSource(base64), [base64]);
  return <SourceImage source={source} alt={alt} mediaType={mediaType} />;
}

/** The same from its bytes. */
export function BytesImage({ bytes, alt }: { bytes: Uint8Array; alt: string }) {
  const image = useMemo(() => toImage(bytes), [bytes]);
  const [source, setSource] = useState<string | null>(null);
  useEffect(() => {
    if (image === null) return;
    const url = URL.createObjectURL(image);
    setSource(url);
    return () => URL.revokeObjectURL(url);
  }, [image]);
  if (image !== null && source === null) return null;
  return <SourceImage key={source} source={image && source} alt={alt} mediaType={undefined} />;
}

type SourceImageProps = { source: string | null; alt: string; mediaType: string | undefined };

function SourceImage({ source, alt, mediaType }: SourceImageProps) {
  const { t } = useLocale();
  const [isBroken, setBroken] = useState(false);
  const [isOpen, setOpen] = useState(false);
  if (source === null || isBroken) {
    return <ImageNote text={t('content.noImage', { type: typeText(mediaType) || t('common.unknown') })} />;
  }
  const image = (className: string) => (
    <img
      src={source}
      alt={alt}
      loading="lazy"
      decoding="async"
      className={className}
      onError={() => setBroken(true)}
    />
  );
  return (
    <>
      <button type="button" aria-label={t('content.openImage', { name: alt })} onClick={() => setOpen(true)}>
        {image('max-h-80 max-w-full rounded-md border bg-raised object-contain')}
      </button>
      <Dialog
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={<SafeText text={alt} />}
        className="w-auto max-w-[94vw]"
      >
        {image('max-h-[75dvh] max-w-full object-contain')}
      </Dialog>
    </>
  );
}

export function ImageNote({ text }: { text: string }) {
  return (
    <span className="inline-flex items-center gap-2 rounded-md border border-dashed bg-raised px-2.5 py-1.5 text-muted text-xs">
      <ImageOff aria-hidden className="size-4 shrink-0" />
      {text}
    </span>
  );
}

/** It is what somebody calls it, and may be anything. */
function typeText(mediaType = ''): string {
  return markInvisible(oneLine(mediaType, 60));
}
