import { chooseTheme, theme, themes } from '../app/theme.ts';
import { usePageTitle } from '../attention/page-title.tsx';
import { chooseLocale, type Locale, locales, useLocale } from '../i18n/locale.ts';
import { Select } from '../ui/select.tsx';
import { useStore } from '../util/store.ts';
import { IdentitySettings } from './identity-settings.tsx';
import { NotificationSettings } from './notification-settings.tsx';
import { Setting, SettingsSection } from './settings-section.tsx';

/** What this browser keeps for its reader, and who that is. */
export function SettingsPage() {
  const { t, locale } = useLocale();
  const chosen = useStore(theme);
  usePageTitle(t('app.settings'));
  return (
    <div className="h-full overflow-y-auto">
      <div className="mx-auto flex max-w-2xl flex-col gap-6 p-6">
        <h1 className="font-semibold text-lg">{t('app.settings')}</h1>
        <SettingsSection title={t('settings.appearance')}>
          <Setting label={t('app.theme.label')}>
            <Select
              aria-label={t('app.theme.label')}
              value={chosen}
              options={themes.map((value) => ({ value, label: t(`app.theme.${value}`) }))}
              onChoose={chooseTheme}
            />
          </Setting>
          <Setting label={t('app.languageLabel')}>
            <Select<Locale>
              aria-label={t('app.languageLabel')}
              value={locale}
              options={locales.map((value) => ({ value, label: languageNames[value] }))}
              onChoose={(value) => void chooseLocale(value)}
            />
          </Setting>
        </SettingsSection>
        <NotificationSettings />
        <IdentitySettings />
      </div>
    </div>
  );
}

/** Each in its own words: whoever needs it cannot read the others. */
const languageNames: Record<Locale, string> = { en: 'English', ja: '日本語' };
