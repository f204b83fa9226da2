import type { ErrorComponentProps } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { live } from '../live/live.ts';
import { Button } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty-state.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { useStore } from '../util/store.ts';
import { isPartNotLoaded } from './load-page.ts';

/** A page that failed leaves the others alone. */
export function RouteError({ error }: ErrorComponentProps) {
  const { t } = useLocale();
  if (isPartNotLoaded(error)) return <PartMissing />;
  return (
    <EmptyState title={t('app.crashed')} isPage>
      <ErrorNote error={error} />
      <Button onClick={reload}>{t('app.reload')}</Button>
    </EmptyState>
  );
}

function PartMissing() {
  const { t } = useLocale();
  useReloadWhenBack();
  return (
    <EmptyState title={t('app.partMissing')} isPage>
      <p role="alert" className="text-muted">
        {t('app.partMissingWhy')}
      </p>
      <Button onClick={reload}>{t('app.reload')}</Button>
    </EmptyState>
  );
}

/** Only once the server was away: one that is there and lacks the part may lack it for ever. */
function useReloadWhenBack(): void {
  const { name } = useStore(live.state);
  const wasAway = useRef(false);
  useEffect(() => {
    if (name === 'waiting') wasAway.current = true;
    if (name === 'live' && wasAway.current) reload();
  }, [name]);
}

function reload(): void {
  window.location.reload();
}
