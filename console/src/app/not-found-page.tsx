import { Link } from '@tanstack/react-router';
import { useLocale } from '../i18n/locale.ts';
import { buttonLook } from '../ui/button.tsx';
import { EmptyState } from '../ui/empty-state.tsx';

export function NotFoundPage() {
  const { t } = useLocale();
  return (
    <EmptyState title={t('app.notFound')} isPage>
      <Link to="/sessions" className={buttonLook()}>
        {t('app.toSessions')}
      </Link>
    </EmptyState>
  );
}
