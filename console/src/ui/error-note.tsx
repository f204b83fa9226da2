import { GreenroomError } from '@greenroom/client';
import { CircleAlert } from 'lucide-react';
import { describeError } from '../api/describe-error.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from './button.tsx';

/** What went wrong in the server's words, what can be done, and the request's name in its log. */
export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useLocale();
  const { says, hint } = describeError(error, t);
  const isAnswer = error instanceof GreenroomError;
  return (
    <div
      role="alert"
      className="flex items-start gap-2.5 rounded-lg border border-danger-line bg-danger-soft px-3 py-2.5 text-[13px]"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
      <div className="min-w-0 flex-1 break-words">
        <p>{says}</p>
        {hint !== null && <p className="text-muted">{hint}</p>}
        {isAnswer && error.requestId !== undefined && (
          <p className="font-mono text-muted text-xs">{t('error.requestId', { id: error.requestId })}</p>
        )}
      </div>
      {onRetry && (
        <Button size="small" onClick={onRetry}>
          {t('common.retry')}
        </Button>
      )}
    </div>
  );
}
