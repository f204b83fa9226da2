import type { Session } from '@greenroom/client';
import { apiUrl } from '../api/client.ts';
import { useMe } from '../api/use-me.ts';
import { useSession } from '../api/use-session.ts';
import { JsonView } from '../content/json.tsx';
import { useLocale } from '../i18n/locale.ts';
import { toCurl, toTypeScript } from '../snippet/snippet.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Grants } from './grants.tsx';

/** What the session runs with, and what was allowed for the rest of it. */
export function OptionsPanel({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const { data: me } = useMe();
  const { data: session, error } = useSession(sessionId);
  if (session === undefined)
    return <div className="p-4">{error !== null && <ErrorNote error={error} />}</div>;
  const body = optionsOf(session);
  const snippet = { baseUrl: apiUrl, needsKey: me?.signed_in_by !== 'local' };
  const request = { prompt: '…', ...body };
  return (
    <div className="flex flex-col gap-5 p-4">
      <section className="flex flex-col gap-2">
        <div className="flex flex-wrap items-center justify-between gap-2">
          <h2 className="font-medium text-[13px]">{t('panel.options.given')}</h2>
          <div className="flex">
            <CopyButton
              label="curl"
              text={() => toCurl({ method: 'POST', path: '/execute/', body: request }, snippet)}
            />
            <CopyButton
              label="TypeScript"
              text={() => toTypeScript({ call: 'client.execute', args: [request] }, snippet)}
            />
          </div>
        </div>
        <p className="text-muted text-xs">{t('panel.options.defaults')}</p>
        <JsonView value={body} label={t('panel.options.given')} />
      </section>
      <Grants sessionId={sessionId} grants={session.grants} />
    </div>
  );
}

/** What the session has beside its options is given with them, too. */
function optionsOf({ options, cwd, title, metadata, max_budget_usd: budget }: Session): object {
  return {
    ...options,
    ...(cwd !== null && { cwd }),
    ...(title !== null && { title }),
    ...(budget !== null && { max_budget_usd: budget }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
}
