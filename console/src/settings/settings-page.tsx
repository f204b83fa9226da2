import { useLocale } from '../i18n/locale.ts';

export function SettingsPage() {
  const { t } = useLocale();
  return <h1 className="p-6 font-semibold text-lg">{t('app.settings')}</h1>;
}
