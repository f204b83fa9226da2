import { apiUrl } from '../api/client.ts';
import { useMe } from '../api/use-me.ts';
import { useLocale } from '../i18n/locale.ts';
import { toCurl, toTypeScript } from '../snippet/snippet.ts';
import { CopyButton } from '../ui/copy-button.tsx';
import { Field } from '../ui/field.tsx';
import { TextArea } from '../ui/text-field.tsx';
import { type Draft, parseDraft } from './draft.ts';

/** What was typed as JSON, and the draft that it gave or left. */
export type TypedJson = { text: string; draft: Draft };

export type JsonDraftProps = {
  draft: Draft;
  onChange: (draft: Draft) => void;
  typed: TypedJson | null;
  onType: (typed: TypedJson) => void;
};

/** Changed from elsewhere, by a preset or in the form: what was typed here is past. */
export function jsonText(typed: TypedJson | null, draft: Draft): string {
  const isCurrent = typed !== null && JSON.stringify(typed.draft) === JSON.stringify(draft);
  return isCurrent ? typed.text : JSON.stringify(draft, null, 2);
}

/** The same body as JSON: what is changed here changes the form. */
export function JsonDraft({ draft, onChange, typed, onType }: JsonDraftProps) {
  const { t } = useLocale();
  const text = jsonText(typed, draft);
  const isBroken = parseDraft(text) === null;
  return (
    <Field label={t('new.body')} {...(isBroken ? { error: t('new.mistake.json') } : {})}>
      {(control) => (
        <TextArea
          {...control}
          rows={20}
          spellCheck={false}
          className="font-mono text-xs"
          value={text}
          onChange={({ target }) => {
            const parsed = parseDraft(target.value);
            onType({ text: target.value, draft: parsed ?? draft });
            if (parsed !== null) onChange(parsed);
          }}
        />
      )}
    </Field>
  );
}

/** The same request for a terminal, or for a program. */
export function DraftSnippet({ draft, language }: { draft: Draft; language: 'curl' | 'typescript' }) {
  const { t } = useLocale();
  const { data: me } = useMe();
  const options = { baseUrl: apiUrl, needsKey: me?.signed_in_by !== 'local' };
  const text =
    language === 'curl'
      ? toCurl({ method: 'POST', path: '/execute/', body: draft }, options)
      : toTypeScript({ call: 'client.execute', args: [draft] }, options);
  return (
    <div className="relative">
      <div className="absolute top-2 right-2">
        <CopyButton text={text} label={t('common.copy')} />
      </div>
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and the keyboard must reach that
        tabIndex={0}
        aria-label={language}
        className="overflow-x-auto rounded-lg border bg-raised p-3 pt-11"
      >
        <pre className="font-mono text-xs">{text}</pre>
      </section>
    </div>
  );
}
