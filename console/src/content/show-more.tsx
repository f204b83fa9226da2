import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';

/** The rest of what is shown in part. `count` is how many lines are hidden. */
export function ShowMore({
  count,
  onShow,
  isAbove = false,
}: {
  count: number;
  onShow: () => void;
  isAbove?: boolean;
}) {
  const { t } = useLocale();
  return (
    <div className={isAbove ? 'border-b px-1.5 py-1' : 'border-t px-1.5 py-1'}>
      <Button kind="quiet" size="small" onClick={onShow}>
        {t(isAbove ? 'content.earlierLines' : 'content.moreLines', { count })}
      </Button>
    </div>
  );
}
