import { GreenroomConnectionError, GreenroomError } from '@greenroom/client';
import { CircleAlert } from 'lucide-react';
import { type Translate, useLocale } from '../i18n/locale.ts';
import { Button } from './button.tsx';

/** What went wrong in the server's words, what can be done, and the request's name in its log. */
export function ErrorNote({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useLocale();
  const isAnswer = error instanceof GreenroomError;
  return (
    <div
      role="alert"
      className="flex items-start gap-2.5 rounded-lg border border-danger-line bg-danger-soft px-3 py-2.5 text-[13px]"
    >
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
      <div className="min-w-0 flex-1">
        <p>{says(error, t)}</p>
        {isAnswer && error.hint !== undefined && <p className="text-muted">{error.hint}</p>}
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

function says(error: unknown, t: Translate): string {
  if (error instanceof GreenroomError) return error.detail;
  // What browsers say of it is English, and tells nothing.
  if (error instanceof GreenroomConnectionError || !(error instanceof Error)) return t('error.unreachable');
  return error.message;
}
