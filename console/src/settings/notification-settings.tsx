import { notificationState, turnNotifications } from '../attention/notifications.ts';
import { useLocale } from '../i18n/locale.ts';
import { Switch } from '../ui/switch.tsx';
import { useStore } from '../util/store.ts';
import { Setting, SettingsSection } from './settings-section.tsx';

export function NotificationSettings() {
  const { t } = useLocale();
  const state = useStore(notificationState);
  return (
    <SettingsSection title={t('notifications.title')}>
      <Setting label={t('notifications.desktop')}>
        <Switch
          aria-label={t('notifications.desktop')}
          checked={state === 'on'}
          disabled={state === 'denied' || state === 'unsupported'}
          onCheckedChange={(isOn) => void turnNotifications(isOn)}
        />
      </Setting>
      <p className="text-muted text-xs">{t(`notifications.state.${state}`)}</p>
    </SettingsSection>
  );
}
