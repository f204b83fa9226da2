import type { Approval } from '@greenroom/client';
import { GreenroomError } from '@greenroom/client';
import { Plus, TriangleAlert, X } from 'lucide-react';
import { hasInvisible, markInvisible } from '../content/invisible.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/text-field.tsx';
import { ActButton } from './act-button.tsx';
import { changeDraft, useDraft } from './draft.ts';
import { explainRule } from './rule.ts';
import type { Answering } from './use-answer.ts';

type SessionRulesProps = { approval: Approval; answering: Answering; onCancel: () => void };

/** "Do not ask again": the exact rules, which can be narrowed before they hold. */
export function SessionRules({ approval, answering, onCancel }: SessionRulesProps) {
  const { t } = useLocale();
  const rules = useDraft(approval.approval_id).rules ?? approval.rules;
  const change = (changed: readonly string[]): void => {
    answering.forgetError();
    changeDraft(approval, { rules: changed });
  };
  return (
    <fieldset className="flex flex-col gap-2 rounded-md border bg-panel p-3">
      <legend className="px-1 font-medium text-[13px]">{t('approval.rules')}</legend>
      <p className="text-muted text-xs">
        {t(rules.length === 0 ? 'approval.noRules' : 'approval.rulesHint')}
      </p>
      {rules.map((rule, index) => (
        <RuleField
          // biome-ignore lint/suspicious/noArrayIndexKey: A rule that is being written has no other name.
          key={index}
          number={index + 1}
          rule={rule}
          error={errorOf(answering.error, index)}
          onChange={(changed) => change(rules.with(index, changed))}
          onRemove={() => change(rules.toSpliced(index, 1))}
        />
      ))}
      <div className="flex flex-wrap items-center gap-3">
        <Button size="small" kind="quiet" onClick={() => change([...rules, ''])}>
          <Plus aria-hidden />
          {t('approval.addRule')}
        </Button>
        <span className="flex-1" />
        <Button onClick={onCancel}>{t('common.cancel')}</Button>
        <ActButton
          kind="primary"
          answering={answering}
          isIncomplete={rules.some((rule) => rule.trim() === '')}
          onAct={() => answering.send({ act: 'allowForSession', rules: rules.map((rule) => rule.trim()) })}
        >
          {t('approval.allowForSession')}
        </ActButton>
      </div>
    </fieldset>
  );
}

type RuleFieldProps = {
  number: number;
  rule: string;
  error: string | undefined;
  onChange: (rule: string) => void;
  onRemove: () => void;
};

function RuleField({ number, rule, error, onChange, onRemove }: RuleFieldProps) {
  const { t } = useLocale();
  const { says, values, warning } = explainRule(rule);
  const note = `rule-note-${number}`;
  const shown = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, markInvisible(String(value))]),
  );
  return (
    <div className="flex flex-col gap-1">
      <div className="flex gap-2">
        <TextField
          aria-label={t('approval.ruleNumber', { number })}
          aria-describedby={note}
          aria-invalid={error !== undefined}
          value={rule}
          maxLength={1_000}
          spellCheck={false}
          dir="ltr"
          className="font-mono [font-variant-ligatures:none]"
          onChange={(event) => onChange(event.target.value)}
        />
        <Button kind="quiet" size="icon" aria-label={t('approval.removeRule', { number })} onClick={onRemove}>
          <X aria-hidden />
        </Button>
      </div>
      <div id={note} className="flex flex-col gap-0.5 text-xs">
        {error !== undefined && <p className="text-danger">{error}</p>}
        {hasInvisible(rule) && (
          <p className="font-mono text-danger">
            <SafeText text={rule} />
          </p>
        )}
        {rule.trim() !== '' && <p className="text-muted">{t(says, shown)}</p>}
        {warning !== null && (
          <p className="flex items-start gap-1.5 text-needs">
            <TriangleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
            {t(warning)}
          </p>
        )}
      </div>
    </div>
  );
}

/** What the server says of one rule. */
function errorOf(error: unknown, index: number): string | undefined {
  if (!(error instanceof GreenroomError)) return undefined;
  return error.errors.find(({ field }) => new RegExp(`^rules[.[]${index}\\b`).test(field))?.message;
}
