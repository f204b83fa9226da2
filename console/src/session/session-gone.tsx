import { Link } from '@tanstack/react-router';
import { SearchX, Trash2 } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import { buttonLook } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty-state.tsx';

/** There is no such session, or this key may not see it. */
export function SessionMissing() {
  const { t } = useLocale();
  return (
    <EmptyState icon={<SearchX aria-hidden />} title={t('session.missing')} isPage>
      <p className="text-[13px] text-muted">{t('session.missingWhy')}</p>
      <Link to="/sessions" className={buttonLook()}>
        {t('app.toSessions')}
      </Link>
    </EmptyState>
  );
}

/** It was deleted while it was looked at: what is shown is all that is left. */
export function DeletedNote() {
  const { t } = useLocale();
  return (
    <div
      role="alert"
      className="flex flex-wrap items-center gap-3 border-b bg-danger-soft px-4 py-2 text-[13px] text-danger"
    >
      <Trash2 aria-hidden className="size-4" />
      <span className="min-w-0 flex-1">{t('session.deleted')}</span>
      <Link to="/sessions" className={buttonLook({ size: 'small' })}>
        {t('app.toSessions')}
      </Link>
    </div>
  );
}
