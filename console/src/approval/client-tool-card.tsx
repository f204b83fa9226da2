import { JsonView } from '../content/json.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Checkbox } from '../ui/checkbox.tsx';
import { Field } from '../ui/field.tsx';
import { TextArea } from '../ui/text-field.tsx';
import { ActButton } from './act-button.tsx';
import type { CardProps } from './card-props.ts';
import { DenyRow } from './deny-row.tsx';
import { changeDraft, useDraft } from './draft.ts';

/** A tool that a program of the user's runs. If that is not there, a person can stand in. */
export function ClientToolCard({ approval, answering, hasKeys }: CardProps) {
  const { t } = useLocale();
  const { result, isError } = useDraft(approval.approval_id);
  const checkbox = `error-${approval.approval_id}`;
  return (
    <>
      <p className="text-muted text-xs">{t('approval.clientToolHint')}</p>
      <JsonView value={approval.input} label={t('approval.input')} />
      <Field label={t('approval.result')}>
        {(control) => (
          <TextArea
            {...control}
            value={result}
            className="max-h-[40dvh]"
            onChange={(event) => changeDraft(approval, { result: event.target.value })}
          />
        )}
      </Field>
      <div className="flex flex-wrap items-center gap-4">
        <ActButton
          kind="primary"
          answering={answering}
          isIncomplete={result === ''}
          onAct={() => answering.send({ act: 'result', content: result, is_error: isError })}
          className="coarse:w-full"
        >
          {t('approval.giveResult')}
        </ActButton>
        <span className="flex items-center gap-2 coarse:min-h-11">
          <Checkbox
            id={checkbox}
            checked={isError}
            onCheckedChange={(checked) => changeDraft(approval, { isError: checked })}
          />
          <label htmlFor={checkbox} className="text-[13px]">
            {t('approval.isError')}
          </label>
        </span>
      </div>
      <DenyRow approval={approval} answering={answering} hasKeys={hasKeys} />
    </>
  );
}
