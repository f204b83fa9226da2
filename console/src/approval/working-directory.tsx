import { useSession } from '../api/use-session.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';

export function WorkingDirectory({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const { data: session } = useSession(sessionId);
  if (session === undefined) return null;
  return (
    <p className="text-muted text-xs">
      {t('approval.in')}{' '}
      {session.cwd === null ? (
        t('approval.ownWorkspace')
      ) : (
        <code className="font-mono text-ink">
          <SafeText text={session.cwd} />
        </code>
      )}
    </p>
  );
}
