import type { ExecuteRequest } from '@greenroom/client';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type KeyboardEvent, type ReactNode, useId, useMemo, useState } from 'react';
import { client } from '../api/client.ts';
import { useMe } from '../api/use-me.ts';
import { usePageTitle } from '../attention/page-title.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Keys } from '../ui/keys.tsx';
import { Tabs } from '../ui/tabs.tsx';
import { isApple } from '../util/platform.ts';
import { randomKey } from '../util/random-key.ts';
import { type Draft, emptyDraft, isEmptyDraft, parseDraft } from './draft.ts';
import { DraftSnippet, JsonDraft, jsonText, type TypedJson } from './draft-views.tsx';
import { allFields } from './fields.ts';
import { OptionForm } from './option-form.tsx';
import { PresetNote, Presets } from './presets.tsx';
import { mistakeIn, type TypedTexts } from './typed-texts.ts';
import { useDraft } from './use-draft.ts';
import { useValidation } from './use-validation.ts';

type View = 'form' | 'json' | 'curl' | 'typescript';

/** A session to be started: one body, as a form, as JSON, for the terminal and for a program. */
export function NewSessionPage() {
  const { t } = useLocale();
  usePageTitle(t('new.title'));
  const [view, setView] = useState<View>('form');
  const { draft, setDraft, forget } = useDraft();
  const { errors, refusal } = useValidation(draft);
  const [texts, setTexts] = useState<TypedTexts>({});
  const [json, setJson] = useState<TypedJson | null>(null);
  const obstacle = useObstacle(draft, { texts, json });
  const start = useStart(draft, forget);
  const begin = (): void => {
    if (obstacle === null && !start.isPending) start.mutate();
  };
  const startWithKeys = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) begin();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of the fields in it
    <div className="flex h-full flex-col" onKeyDown={startWithKeys}>
      <header className="flex flex-wrap items-center justify-between gap-3 border-b bg-panel px-6 py-3">
        <h1 className="font-semibold text-lg">{t('new.title')}</h1>
        <div className="flex flex-wrap items-center gap-2">
          <Presets draft={draft} onUse={setDraft} />
          <Button onClick={() => setDraft(emptyDraft)} disabled={isEmptyDraft(draft)}>
            {t('new.clear')}
          </Button>
          <StartButton obstacle={obstacle} isPending={start.isPending} onStart={begin} />
        </div>
      </header>
      {(start.error ?? refusal) !== null && (
        <div className="px-6 pt-4">
          <ErrorNote error={start.error ?? refusal} />
        </div>
      )}
      <Tabs<View>
        className="flex-1"
        label={t('new.views')}
        value={view}
        onChange={setView}
        tabs={[
          {
            value: 'form',
            label: t('new.form'),
            panel: (
              <Sheet>
                <PresetNote draft={draft} onChange={setDraft} />
                <FieldErrors errors={withoutField(errors)} />
                <OptionForm
                  draft={draft}
                  onChange={setDraft}
                  errors={errors}
                  texts={texts}
                  onType={(name, typed) => setTexts((all) => ({ ...all, [name]: typed }))}
                />
              </Sheet>
            ),
          },
          {
            value: 'json',
            label: 'JSON',
            panel: (
              <Sheet>
                <JsonDraft draft={draft} onChange={setDraft} typed={json} onType={setJson} />
                <FieldErrors errors={errors} />
              </Sheet>
            ),
          },
          ...(['curl', 'typescript'] as const).map((language) => ({
            value: language,
            label: language === 'curl' ? 'curl' : 'TypeScript',
            panel: (
              <Sheet>
                <DraftSnippet draft={draft} language={language} />
              </Sheet>
            ),
          })),
        ]}
      />
    </div>
  );
}

function Sheet({ children }: { children: ReactNode }) {
  return <div className="mx-auto flex max-w-3xl flex-col gap-4 p-6">{children}</div>;
}

/** What the server says of fields that the form does not have: they came by JSON. */
function withoutField(errors: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const known = new Set<string>(['prompt', ...allFields.map(({ name }) => name)]);
  return new Map([...errors].filter(([name]) => !known.has(name)));
}

function FieldErrors({ errors }: { errors: ReadonlyMap<string, string> }) {
  if (errors.size === 0) return null;
  return (
    <ul className="flex flex-col gap-1 text-[13px] text-danger">
      {[...errors].map(([name, message]) => (
        <li key={name}>
          <code className="font-mono">{name}</code>: {message}
        </li>
      ))}
    </ul>
  );
}

type Typed = { texts: TypedTexts; json: TypedJson | null };

/** Why it cannot be started as it is: `''` where the empty page says it. */
function useObstacle(draft: Draft, { texts, json }: Typed): string | null {
  const { t } = useLocale();
  const { data: me } = useMe();
  if (me?.may.start_sessions.allowed === false) return me.may.start_sessions.reason ?? '';
  if (parseDraft(jsonText(json, draft)) === null) return t('new.mistake.body');
  const wrong = allFields.find((field) => mistakeIn(texts, draft, field) !== null);
  // It is not in the request: it must not start without it, unsaid.
  if (wrong !== undefined) return t('new.mistake.field', { name: wrong.name });
  return canStart(draft) ? null : '';
}

type StartProps = { obstacle: string | null; isPending: boolean; onStart: () => void };

function StartButton({ obstacle, isPending, onStart }: StartProps) {
  const { t } = useLocale();
  const id = useId();
  return (
    <>
      {(obstacle ?? '') !== '' && (
        <span id={id} className="text-muted text-xs">
          {obstacle}
        </span>
      )}
      <Button
        kind="primary"
        disabled={obstacle !== null || isPending}
        aria-describedby={(obstacle ?? '') === '' ? undefined : id}
        onClick={onStart}
      >
        {isPending ? t('new.starting') : t('new.start')} <Keys>{isApple ? '⌘⏎' : 'Ctrl ⏎'}</Keys>
      </Button>
    </>
  );
}

function canStart({ prompt, content }: Draft): boolean {
  return (typeof prompt === 'string' && prompt.trim() !== '') || Array.isArray(content);
}

/** Tried again after a lost answer, the same draft is the same request: it starts one session. */
function useStart(draft: Draft, onStarted: () => void) {
  const navigate = useNavigate();
  // biome-ignore lint/correctness/useExhaustiveDependencies: another draft is another request
  const idempotencyKey = useMemo(() => randomKey(), [draft]);
  return useMutation({
    mutationFn: async () => await client.execute(draft as ExecuteRequest, { idempotencyKey }),
    onSuccess: async ({ session_id: sessionId }) => {
      onStarted();
      await navigate({ to: '/sessions/$sessionId', params: { sessionId } });
    },
  });
}
