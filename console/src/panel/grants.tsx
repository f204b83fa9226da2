import type { Grant } from '@greenroom/client';
import { GreenroomError } from '@greenroom/client';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { X } from 'lucide-react';
import { client } from '../api/client.ts';
import { boundLine } from '../content/bounds.ts';
import { lineJson } from '../content/json-text.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';

/** What was allowed for the rest of the session. Each of it can be taken back: calls like it are asked for again. */
export function Grants({ sessionId, grants }: { sessionId: string; grants: readonly Grant[] }) {
  const { t } = useLocale();
  const { mutate, isPending, error } = useTakeBack(sessionId);
  const answers = Map.groupBy(grants, (grant) => grant.approval_id ?? grant.grant_id);
  return (
    <section className="flex flex-col gap-2">
      <h2 className="font-medium text-[13px]">{t('panel.options.grants')}</h2>
      {error !== null && <ErrorNote error={error} />}
      <p className="text-muted text-xs">
        {t(grants.length === 0 ? 'panel.options.noGrants' : 'panel.options.grantsHint')}
      </p>
      {[...answers].map(([answer, given]) => (
        <GivenByAnswer key={answer} grants={given} isPending={isPending} onTakeBack={mutate} />
      ))}
    </section>
  );
}

/** What is gone already is taken back. */
function useTakeBack(sessionId: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async (grants: readonly Grant[]) => {
      for (const { grant_id: id } of grants) {
        await client.sessions.removeGrant(sessionId, id).catch((error) => {
          if (!(error instanceof GreenroomError && error.status === 404)) throw error;
        });
      }
    },
    onSettled: async () => await queries.invalidateQueries({ queryKey: ['session', sessionId] }),
  });
}

type GivenProps = {
  grants: readonly Grant[];
  isPending: boolean;
  onTakeBack: (grants: readonly Grant[]) => void;
};

/** One answer gives its rules and, beside them, the very call: without a rule that call still runs. */
function GivenByAnswer({ grants, isPending, onTakeBack }: GivenProps) {
  const { t } = useLocale();
  const by = grants[0]?.decided_by ?? null;
  return (
    <div className="rounded-md border text-xs">
      <ul className="flex flex-col">
        {grants.map((grant) => {
          const what = describe(grant);
          return (
            <li key={grant.grant_id} className="flex items-start gap-2 px-2.5 py-1.5">
              <div className="min-w-0 flex-1">
                <code className="break-words font-mono">
                  <SafeText text={what} />
                </code>
                <p className="text-muted">
                  {t(grant.rule === null ? 'panel.options.oneCall' : 'panel.options.rule')}
                  {by !== null && ` · ${t('panel.options.by', { name: by })}`}
                </p>
              </div>
              <Button
                kind="quiet"
                size="iconSmall"
                disabled={isPending}
                aria-label={t('panel.options.takeBack', { what })}
                onClick={() => onTakeBack([grant])}
              >
                <X aria-hidden />
              </Button>
            </li>
          );
        })}
      </ul>
      {grants.length > 1 && (
        <div className="border-t px-2.5 py-1.5">
          <Button size="small" disabled={isPending} onClick={() => onTakeBack(grants)}>
            {t('panel.options.takeAllBack', { count: grants.length })}
          </Button>
        </div>
      )}
    </div>
  );
}

function describe({ rule, tool_name: tool, input }: Grant): string {
  return boundLine(rule ?? `${tool ?? ''} ${input === null ? '' : lineJson(input)}`);
}
