import { File, Folder } from 'lucide-react';
import { type RefObject, useEffect, useLayoutEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { reasonOf } from '../api/describe-error.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import type { Mentions } from './use-mentions.ts';

export type MentionListProps = { id: string; anchor: RefObject<HTMLElement | null>; mentions: Mentions };

/** Above the text area, which keeps the focus: arrows choose, Enter and Tab take. */
export function MentionList({ id, anchor, mentions }: MentionListProps) {
  const { t } = useLocale();
  const place = usePlace(anchor);
  const { paths, active, files, choose } = mentions;
  const main = document.getElementById('main');
  useEffect(() => {
    document.getElementById(`${id}-${active}`)?.scrollIntoView({ block: 'nearest' });
  }, [id, active]);
  if (main === null || place === null) return null;
  const says = files.isError
    ? reasonOf(files.error)
    : files.isPending
      ? t('composer.mention.loading')
      : paths.length === 0
        ? t('composer.mention.none')
        : null;
  return createPortal(
    <div
      style={place}
      className="fixed z-50 flex flex-col overflow-hidden rounded-lg border bg-panel shadow-raised"
    >
      <p role="status" className={says === null ? 'sr-only' : 'px-3 py-2 text-[13px] text-muted'}>
        {says ?? t('composer.mention.found', { count: paths.length })}
      </p>
      <div
        role="listbox"
        id={id}
        aria-label={t('composer.mention.label')}
        className={cn('min-h-0 overflow-y-auto', paths.length > 0 && 'p-1')}
      >
        {paths.map((path, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents lint/a11y/useFocusableInteractive: keys go to the text
          <div
            key={path.path}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === active}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => choose(path)}
            className={cn(
              'flex cursor-default items-center gap-2 rounded-md px-2 py-1 text-[13px] hover:bg-hover coarse:min-h-11',
              index === active && 'bg-hover',
            )}
          >
            {path.isDirectory ? (
              <Folder aria-hidden className="size-4 shrink-0 text-muted" />
            ) : (
              <File aria-hidden className="size-4 shrink-0 text-muted" />
            )}
            <PathText path={path.path} />
          </div>
        ))}
      </div>
      {files.data?.isTruncated && (
        <p className="border-t px-3 py-1.5 text-muted text-xs">{t('composer.mention.truncated')}</p>
      )}
    </div>,
    main,
  );
}

/** The name first, since it is what one looks for; its directory where there is room. */
function PathText({ path }: { path: string }) {
  const slash = path.lastIndexOf('/');
  return (
    <span className="flex min-w-0 flex-1 items-baseline gap-2">
      <span className="max-w-[70%] shrink-0 truncate">
        <SafeText text={path.slice(slash + 1)} />
      </span>
      {slash !== -1 && (
        <span className="truncate text-muted text-xs">
          <SafeText text={path.slice(0, slash)} />
        </span>
      )}
    </span>
  );
}

const GAP = 6;

function usePlace(anchor: RefObject<HTMLElement | null>) {
  const [place, setPlace] = useState<ReturnType<typeof placeAbove> | null>(null);
  useLayoutEffect(() => {
    const measure = (): void => {
      if (anchor.current !== null) setPlace(placeAbove(anchor.current.getBoundingClientRect()));
    };
    measure();
    window.addEventListener('resize', measure);
    window.addEventListener('scroll', measure, true);
    return () => {
      window.removeEventListener('resize', measure);
      window.removeEventListener('scroll', measure, true);
    };
  }, [anchor]);
  return place;
}

function placeAbove({ left, top, width }: DOMRect) {
  return {
    left,
    width: Math.min(width, 640),
    bottom: window.innerHeight - top + GAP,
    maxHeight: Math.max(120, Math.min(320, top - 2 * GAP)),
  };
}
