import type { SettingsRequest } from '@greenroom/client';
import { useMutation } from '@tanstack/react-query';
import { ChevronDown, Gauge, ShieldCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { useMe } from '../api/use-me.ts';
import { useSession } from '../api/use-session.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Menu, MenuChoice, MenuNote } from '../ui/menu.tsx';
import type { Standing } from './act.ts';
import { ModelPicker } from './model-picker.tsx';
import { sayFailure } from './send.ts';
import { efforts, modes, readSettings } from './settings.ts';

/** Model, permission mode and effort of the session, to be changed while it works. */
export function SessionSettings({ sessionId, standing }: { sessionId: string; standing: Standing }) {
  const { t } = useLocale();
  const { data: session } = useSession(sessionId);
  const { data: me } = useMe();
  const change = useChange(sessionId);
  if (session === undefined) return null;
  const { model, mode, effort } = readSettings(session.options);
  const bypass = me?.may.bypass_permissions;
  const isRunning = standing === 'running';
  return (
    <div className="contents">
      <ModelPicker
        model={model}
        note={isRunning ? t('composer.settings.modelNow') : null}
        onChoose={(chosen) => change({ model: chosen })}
      />
      <Menu
        trigger={
          <Pill label={t('composer.settings.mode')} icon={<ShieldCheck aria-hidden />}>
            {t(`composer.settings.modes.${mode}`)}
          </Pill>
        }
      >
        <MenuChoice
          label={t('composer.settings.mode')}
          value={mode}
          options={modes.map((value) => ({
            value,
            label: t(`composer.settings.modes.${value}`),
            hint:
              value === 'bypassPermissions' && bypass?.allowed === false
                ? (bypass.reason ?? undefined)
                : t(`composer.settings.modeHints.${value}`),
            isDisabled: value === 'bypassPermissions' && bypass?.allowed === false,
          }))}
          onChoose={(value) => change({ permission_mode: value })}
        />
        {isRunning && <MenuNote>{t('composer.settings.modeNow')}</MenuNote>}
      </Menu>
      <Menu
        trigger={
          <Pill label={t('composer.settings.effort')} icon={<Gauge aria-hidden />}>
            {effort === null ? (
              <span className="sr-only">{t('composer.settings.efforts.none')}</span>
            ) : (
              t(`composer.settings.efforts.${effort}`)
            )}
          </Pill>
        }
      >
        <MenuChoice
          label={t('composer.settings.effort')}
          value={effort ?? 'none'}
          options={(['none', ...efforts] as const).map((value) => ({
            value,
            label: t(`composer.settings.efforts.${value}`),
          }))}
          onChoose={(value) => change({ effort: value === 'none' ? null : value })}
        />
        <MenuNote>{t('composer.settings.effortNext')}</MenuNote>
      </Menu>
    </div>
  );
}

export function Pill({
  label,
  icon,
  children,
  ...props
}: { label: string; icon?: ReactNode; children: ReactNode } & React.ComponentProps<'button'>) {
  return (
    <Button
      kind="quiet"
      size="small"
      className="max-w-44 px-1.5 font-normal max-sm:max-w-28 max-sm:[&>svg:last-child]:hidden"
      {...props}
    >
      {icon}
      <span className="sr-only">{label}: </span>
      <span className="truncate">{children}</span>
      <ChevronDown aria-hidden />
    </Button>
  );
}

function useChange(sessionId: string): (settings: SettingsRequest) => void {
  const { mutate } = useMutation({
    mutationFn: async (settings: SettingsRequest) => await client.sessions.update(sessionId, settings),
    onSuccess: (session) => queryClient.setQueryData(['session', sessionId], session),
    onError: (error) => sayFailure('composer.settings.failed', error),
  });
  return mutate;
}
