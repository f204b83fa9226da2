import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { apiUrl, client } from '../api/client.ts';
import { useMe } from '../api/use-me.ts';
import { drafts } from '../composer/drafts.ts';
import { Code } from '../content/code.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { type Snippet, snippetsOf } from './session-snippets.ts';

export function SnippetDialog({ sessionId, onClose }: { sessionId: string; onClose: () => void }) {
  const { t } = useLocale();
  const [language, setLanguage] = useState<'curl' | 'typescript'>('curl');
  const { data: me } = useMe();
  const { data, error, refetch } = useQuery({
    queryKey: ['snippets', sessionId],
    queryFn: async ({ signal }) => {
      const session = await client.sessions.get(sessionId, { signal });
      for await (const first of client.sessions.turns(sessionId, { pageSize: 1 }, { signal })) {
        return { session, first };
      }
      return { session, first: null };
    },
  });
  if (data === undefined) {
    return (
      <Dialog isOpen onClose={onClose} title={t('acts.snippet.title')}>
        {error === null ? (
          <Spinner label={t('session.loading')} />
        ) : (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        )}
      </Dialog>
    );
  }
  const message = drafts.get(sessionId).text.trim() || t('acts.snippet.sample');
  const needsKey = me !== undefined && me.signed_in_by !== 'local';
  const snippets = snippetsOf(data.session, { first: data.first, message }, { baseUrl: apiUrl, needsKey });
  const panel = (of: 'curl' | 'typescript') => <Snippets snippets={snippets} of={of} />;
  return (
    <Dialog isOpen onClose={onClose} title={t('acts.snippet.title')} className="w-[min(94vw,46rem)]">
      <Tabs
        label={t('acts.snippet.title')}
        value={language}
        onChange={setLanguage}
        tabs={[
          { value: 'curl', label: 'curl', panel: panel('curl') },
          { value: 'typescript', label: 'TypeScript', panel: panel('typescript') },
        ]}
      />
    </Dialog>
  );
}

function Snippets({ snippets, of }: { snippets: readonly Snippet[]; of: 'curl' | 'typescript' }) {
  const { t } = useLocale();
  return (
    <div className="flex flex-col gap-3 pt-3">
      {snippets.map((snippet) => (
        <section key={snippet.name}>
          <h3 className="mb-1 font-medium text-[13px]">{t(`acts.snippet.${snippet.name}`)}</h3>
          <Code
            text={snippet[of]}
            language={of === 'curl' ? 'shellscript' : 'typescript'}
            label={t(`acts.snippet.${snippet.name}`)}
            maxLines={30}
          />
        </section>
      ))}
    </div>
  );
}
