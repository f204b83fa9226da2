import { useLocale } from '../i18n/locale.ts';

export function SessionPage() {
  const { t } = useLocale();
  return <h1 className="p-6 font-semibold text-lg">{t('session.title')}</h1>;
}
