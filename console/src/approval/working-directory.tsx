import { useQuery } from '@tanstack/react-query';
import { client } from '../api/client.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';

/** The session that asks, as the whole page has it. */
export function useSession(sessionId: string) {
  return useQuery({
    queryKey: ['session', sessionId],
    queryFn: async ({ signal }) => await client.sessions.get(sessionId, { signal }),
  });
}

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
