import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Field } from '../ui/field.tsx';
import { Select } from '../ui/select.tsx';
import { Switch } from '../ui/switch.tsx';
import { TextArea, TextField } from '../ui/text-field.tsx';
import { parseFieldText, toFieldText } from './field-text.ts';
import type { FormField } from './fields.ts';
import type { Mistake } from './typed-texts.ts';

export type OptionFieldProps = {
  field: FormField;
  value: unknown;
  onChange: (value: unknown) => void;
  /** What the server says of it. */
  error?: string | undefined;
  /** What stands in it, where that is no value of its kind, or another way to write it. */
  typed: string | null;
  onType: (text: string, value: unknown) => void;
  mistake: Mistake | null;
  /** Why this key may not set it; null when it may. */
  reason: string | null;
  /** Suggestions of a text field. */
  suggestions?: readonly string[];
  /** Below which of the server's directories one must be named. */
  roots?: readonly string[];
};

/** One option: its name as the API has it, what it does, and the control that its kind asks for. */
export function OptionField(props: OptionFieldProps) {
  const { field, error, reason, mistake } = props;
  const { t } = useLocale();
  const isWhole = reason !== null && field.need?.choice === undefined;
  const shownError = mistake === null ? error : t(`new.mistake.${mistake}`);
  const isWide = ['lines', 'pairs', 'long', 'json'].includes(field.control.kind);
  return (
    <Field
      className={isWide ? 'sm:col-span-2' : ''}
      label={
        <span className="flex flex-wrap items-baseline gap-x-2">
          {t(`new.fields.${field.name}.label`)}
          <code className="font-mono font-normal text-faint text-xs">{field.name}</code>
        </span>
      }
      hint={isWhole ? reason : <Hint {...props} />}
      {...(shownError === undefined ? {} : { error: shownError })}
    >
      {(control) => <OptionControl {...props} aria={control} isDisabled={isWhole} />}
    </Field>
  );
}

function Hint({ field, roots = [] }: OptionFieldProps) {
  const { t } = useLocale();
  return (
    <>
      {t(`new.fields.${field.name}.hint`)}
      {roots.length > 0 && (
        <>
          {' '}
          {t('new.roots')}{' '}
          {roots.map((root, index) => (
            <span key={root}>
              {index > 0 && ', '}
              <code className="break-all font-mono">
                <SafeText text={root} />
              </code>
            </span>
          ))}
        </>
      )}
    </>
  );
}

type ControlProps = OptionFieldProps & {
  aria: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': boolean };
  isDisabled: boolean;
};

function OptionControl(props: ControlProps) {
  const { field, value, onChange, aria, isDisabled } = props;
  const { control } = field;
  if (control.kind === 'choice') return <ChoiceControl {...props} />;
  if (control.kind === 'switch') {
    const isOn = typeof value === 'boolean' ? value : control.default;
    return (
      <Switch
        id={aria.id}
        aria-describedby={aria['aria-describedby']}
        checked={isOn}
        disabled={isDisabled}
        onCheckedChange={(checked) => onChange(checked === control.default ? undefined : checked)}
      />
    );
  }
  return <TextControl {...props} />;
}

function ChoiceControl({ field, value, onChange, aria, isDisabled, reason }: ControlProps) {
  const { t } = useLocale();
  if (field.control.kind !== 'choice') return null;
  const { choices, default: fallback } = field.control;
  const { 'aria-invalid': _, ...labels } = aria;
  return (
    <Select
      {...labels}
      isDisabled={isDisabled}
      value={typeof value === 'string' ? value : fallback}
      onChoose={(chosen) => onChange(chosen === fallback ? undefined : chosen)}
      options={choices.map((choice) => {
        const isRefused = reason !== null && field.need?.choice === choice;
        const shown = choice === '' ? t('new.default') : choice;
        return {
          value: choice,
          isDisabled: isRefused,
          label: isRefused ? `${shown} (${reason})` : shown,
        };
      })}
    />
  );
}

/** Keeps what is typed: also while it is no value yet, or was written differently than it would be here. */
function TextControl({ field, value, typed, onType, aria, isDisabled, suggestions }: ControlProps) {
  const { control } = field;
  const text = typed ?? toFieldText(value, control);
  const change = (next: string): void => {
    const parsed = parseFieldText(next, control);
    onType(next, 'error' in parsed ? undefined : parsed.value);
  };
  const shared = { ...aria, disabled: isDisabled, value: text, spellCheck: control.kind === 'long' };
  if (control.kind === 'text' || control.kind === 'number') {
    return (
      <>
        <TextField
          {...shared}
          inputMode={control.kind === 'number' ? 'decimal' : 'text'}
          list={suggestions === undefined ? undefined : `${aria.id}-list`}
          onChange={(event) => change(event.target.value)}
        />
        {suggestions !== undefined && (
          <datalist id={`${aria.id}-list`}>
            {suggestions.map((suggestion) => (
              <option key={suggestion} value={suggestion} />
            ))}
          </datalist>
        )}
      </>
    );
  }
  return (
    <TextArea
      {...shared}
      rows={control.kind === 'json' ? 5 : 3}
      className={control.kind === 'long' ? '' : 'font-mono text-xs'}
      onChange={(event) => change(event.target.value)}
    />
  );
}
