import { useMutation } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { useMe } from '../api/use-me.ts';
import { beginAnew } from '../app/sign-in-gate.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Badge } from '../ui/badge.tsx';
import { Button } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { forgetReader } from '../util/remembered.ts';
import { Setting, SettingsSection } from './settings-section.tsx';

/** Who is signed in, what they may do, and the way out. */
export function IdentitySettings() {
  const { t } = useLocale();
  const { data: me, error, refetch } = useMe();
  return (
    <SettingsSection title={t('settings.identity')}>
      {error !== null && <ErrorNote error={error} onRetry={() => void refetch()} />}
      {me === undefined && error === null && <Spinner label={t('app.loading')} />}
      {me !== undefined && (
        <>
          <Setting label={t('settings.name')}>
            <bdi>{me.signed_in_by === 'local' ? t('settings.local') : me.name}</bdi>
          </Setting>
          <Setting label={t('settings.tenant')}>
            <bdi>{me.tenant}</bdi>
          </Setting>
          <Setting label={t('settings.scopes')}>
            <span className="flex flex-wrap justify-end gap-1">
              {me.scopes.map((scope) => (
                <Badge key={scope}>{scope}</Badge>
              ))}
            </span>
          </Setting>
          <Setting label={t('settings.server')}>Greenroom {me.server.version}</Setting>
          {me.signed_in_by === 'cookie' && <SignOut />}
        </>
      )}
    </SettingsSection>
  );
}

function SignOut() {
  const { t } = useLocale();
  const { mutate, isPending, error } = useMutation({
    mutationFn: async (everywhere: boolean) => await client.signOut({ everywhere }),
    onSuccess: () => {
      forgetReader();
      beginAnew('/sign-in');
    },
  });
  return (
    <div className="flex flex-col gap-3">
      {error !== null && <ErrorNote error={error} />}
      <div className="flex flex-wrap justify-end gap-2">
        <Button disabled={isPending} onClick={() => mutate(true)}>
          {t('settings.signOutEverywhere')}
        </Button>
        <Button kind="danger" disabled={isPending} onClick={() => mutate(false)}>
          {t('app.signOut')}
        </Button>
      </div>
    </div>
  );
}
