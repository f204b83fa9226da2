import type { Approval } from '@greenroom/client';
import { hasInvisible } from '../content/invisible.ts';
import { useLocale } from '../i18n/locale.ts';
import type { WordKey } from '../i18n/words.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { TextArea } from '../ui/text-field.tsx';
import { ActButton } from './act-button.tsx';
import { changeDraft, useDraft } from './draft.ts';
import { buildInput, type EditedField, editedField, textToEdit } from './edited-input.ts';
import type { Answering } from './use-answer.ts';

const labels: Record<NonNullable<EditedField>, WordKey> = {
  command: 'approval.edit.command',
  content: 'approval.edit.content',
  new_string: 'approval.edit.newText',
};

/** The call with another input than the model's. */
export function InputEditor(props: { approval: Approval; answering: Answering; onCancel: () => void }) {
  const { approval, answering, onCancel } = props;
  const { t } = useLocale();
  const text = useDraft(approval.approval_id).input ?? textToEdit(approval);
  const field = editedField(approval);
  const edited = buildInput(approval, text);
  const problem = 'problem' in edited ? edited : null;
  const detail = problem?.problem === 'syntax' ? problem.detail : '';
  const wrong = problem === null || problem.problem === 'unchanged' ? null : problem.problem;
  return (
    <div className="flex flex-col gap-2 rounded-md border bg-panel p-3">
      <Field
        label={t(field === null ? 'approval.edit.json' : labels[field])}
        hint={hasInvisible(text) ? t('approval.edit.invisible') : t('approval.edit.hint')}
        error={wrong === null ? undefined : t(`approval.edit.${wrong}`, { detail })}
      >
        {(control) => (
          <TextArea
            {...control}
            value={text}
            spellCheck={false}
            dir="ltr"
            rows={Math.min(16, text.split('\n', 17).length + 1)}
            className="max-h-[50dvh] font-mono [font-variant-ligatures:none]"
            onChange={(event) => changeDraft(approval, { input: event.target.value })}
          />
        )}
      </Field>
      <div className="flex flex-wrap justify-end gap-3">
        <Button onClick={onCancel}>{t('common.cancel')}</Button>
        <ActButton
          kind="primary"
          answering={answering}
          isIncomplete={problem !== null}
          onAct={() => 'input' in edited && answering.send({ act: 'allow', updated_input: edited.input })}
        >
          {t('approval.allowEdited')}
        </ActButton>
      </div>
    </div>
  );
}
