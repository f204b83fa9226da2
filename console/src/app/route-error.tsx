import type { ErrorComponentProps } from '@tanstack/react-router';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { ErrorNote } from '../ui/error-note.tsx';

/** A page that failed leaves the others alone. A newer console on the server needs a reload: old parts are gone. */
export function RouteError({ error }: ErrorComponentProps) {
  const { t } = useLocale();
  return (
    <EmptyState title={t('app.crashed')}>
      <ErrorNote error={error} />
      <Button onClick={() => window.location.reload()}>{t('app.reload')}</Button>
    </EmptyState>
  );
}
