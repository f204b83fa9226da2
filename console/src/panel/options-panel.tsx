import type { Session } from '@greenroom/client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { apiUrl, client } from '../api/client.ts';
import { useMe } from '../api/use-me.ts';
import { boundLine } from '../content/bounds.ts';
import { JsonView } from '../content/json.tsx';
import { lineJson } from '../content/json-text.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { useSession } from '../session/use-session.ts';
import { toCurl, toTypeScript } from '../snippet/snippet.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';

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
      <Grants sessionId={sessionId} />
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

/** They can be taken back: calls like these are asked for again. */
function Grants({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const { data: session } = useSession(sessionId);
  const { mutate, isPending, error } = useMutation({
    mutationFn: async (grantId: string) => await client.sessions.removeGrant(sessionId, grantId),
    onSettled: async () => await queries.invalidateQueries({ queryKey: ['session', sessionId] }),
  });
  const grants = session?.grants ?? [];
  return (
    <section className="flex flex-col gap-2">
      <h2 className="font-medium text-[13px]">{t('panel.options.grants')}</h2>
      {error !== null && <ErrorNote error={error} />}
      {grants.length === 0 && <p className="text-[13px] text-muted">{t('panel.options.noGrants')}</p>}
      <ul className="flex flex-col gap-1">
        {grants.map((grant) => {
          const call = `${grant.tool_name ?? ''} ${grant.input === null ? '' : lineJson(grant.input)}`;
          const what = boundLine(grant.rule ?? call);
          return (
            <li
              key={grant.grant_id}
              className="flex items-start gap-2 rounded-md border px-2.5 py-1.5 text-xs"
            >
              <div className="min-w-0 flex-1">
                <code className="font-mono">
                  <SafeText text={what} />
                </code>
                <p className="text-muted">
                  {grant.rule === null ? t('panel.options.oneCall') : t('panel.options.rule')}
                  {grant.decided_by !== null && ` · ${t('panel.options.by', { name: grant.decided_by })}`}
                </p>
              </div>
              <Button
                kind="quiet"
                size="iconSmall"
                disabled={isPending}
                aria-label={t('panel.options.takeBack', { what })}
                onClick={() => mutate(grant.grant_id)}
              >
                <X aria-hidden />
              </Button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
