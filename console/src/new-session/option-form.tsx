import type { Me } from '@greenroom/client';
import { ChevronRight } from 'lucide-react';
import { useMe } from '../api/use-me.ts';
import { useLocale } from '../i18n/locale.ts';
import { Field } from '../ui/field.tsx';
import { TextArea } from '../ui/text-field.tsx';
import { type Draft, withField } from './draft.ts';
import { type FieldGroup, type FieldName, type FormField, fieldGroups } from './fields.ts';
import { OptionField } from './option-field.tsx';
import { mistakeIn, type TypedText, type TypedTexts, typedText } from './typed-texts.ts';

export type OptionFormProps = {
  draft: Draft;
  onChange: (draft: Draft) => void;
  errors: ReadonlyMap<string, string>;
  texts: TypedTexts;
  onType: (name: FieldName, typed: TypedText) => void;
};

/** The prompt, what most sessions need, and the rest behind its headings. */
export function OptionForm(props: OptionFormProps) {
  const { draft, onChange, errors } = props;
  const { t } = useLocale();
  const promptError = draft.prompt === undefined ? undefined : errors.get('prompt');
  return (
    <div className="flex flex-col gap-5">
      <Field label={t('new.prompt')} {...(promptError === undefined ? {} : { error: promptError })}>
        {(control) => (
          <TextArea
            {...control}
            // The page is for this field: nothing comes before it.
            autoFocus
            rows={5}
            placeholder={t('new.promptPlaceholder')}
            value={typeof draft.prompt === 'string' ? draft.prompt : ''}
            onChange={({ target }) =>
              onChange(withField(draft, 'prompt', target.value === '' ? undefined : target.value))
            }
          />
        )}
      </Field>
      {fieldGroups.map((group) =>
        group.name === 'basic' ? (
          <GroupFields key={group.name} {...props} group={group} />
        ) : (
          <details key={group.name} open={hasError(group, errors)} className="group border-t pt-3">
            <summary className="flex cursor-pointer list-none items-center gap-2 font-medium text-[13px] coarse:min-h-11 [&::-webkit-details-marker]:hidden">
              <ChevronRight
                aria-hidden
                className="size-4 text-muted transition-transform group-open:rotate-90"
              />
              {t(`new.groups.${group.name}`)}
              <SetCount group={group} draft={draft} />
            </summary>
            <div className="pt-3">
              <GroupFields {...props} group={group} />
            </div>
          </details>
        ),
      )}
    </div>
  );
}

function hasError(group: FieldGroup, errors: ReadonlyMap<string, string>): boolean {
  return group.fields.some(({ name }) => errors.has(name));
}

/** A closed group must not hide that something in it is set. */
function SetCount({ group, draft }: { group: FieldGroup; draft: Draft }) {
  const { t } = useLocale();
  const count = group.fields.filter(({ name }) => draft[name] !== undefined).length;
  return count > 0 && <span className="text-muted text-xs">{t('new.set', { count })}</span>;
}

type GroupProps = OptionFormProps & { group: FieldGroup };

function GroupFields({ group, draft, onChange, errors, texts, onType }: GroupProps) {
  const { data: me } = useMe();
  return (
    <div className="grid gap-x-5 gap-y-4 sm:grid-cols-2">
      {group.fields.map((field) => (
        <OptionField
          key={field.name}
          field={field}
          value={draft[field.name]}
          typed={typedText(texts, draft, field)}
          mistake={mistakeIn(texts, draft, field)}
          onType={(text, value) => {
            onType(field.name, { text, value });
            onChange(withField(draft, field.name, value));
          }}
          error={errors.get(field.name)}
          reason={reasonAgainst(field, me)}
          {...(field.name === 'model' && me !== undefined
            ? { suggestions: me.server.models.map(({ name }) => name) }
            : {})}
          {...(field.name === 'cwd' && { roots: me?.server.workspace_roots ?? [] })}
          onChange={(value) => onChange(withField(draft, field.name, value))}
        />
      ))}
    </div>
  );
}

function reasonAgainst({ need }: FormField, me: Me | undefined): string | null {
  const answer = need === undefined ? undefined : me?.may[need.may];
  return answer === undefined || answer.allowed ? null : (answer.reason ?? null);
}
