import { ArrowDown } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';

/** The way back to the end, and how much has come there meanwhile. */
export function JumpToNewest({ count, onJump }: { count: number; onJump: () => void }) {
  const { t } = useLocale();
  return (
    <div className="-translate-x-1/2 absolute bottom-3 left-1/2 z-10">
      <Button size="small" className="rounded-full px-3 shadow-raised" onClick={onJump}>
        <ArrowDown aria-hidden />
        {count > 0 ? t('transcript.newRows', { count }) : t('transcript.toNewest')}
      </Button>
    </div>
  );
}
