import { boundLine } from '../content/bounds.ts';
import { SafeText } from '../content/safe-text.tsx';
import { Stepwise } from '../content/stepwise.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Badge } from '../ui/badge.tsx';
import { TextField } from '../ui/text-field.tsx';
import { CommandText } from './command-text.tsx';
import { type Choice, type Option, pick, pickOther, type Question } from './question.ts';

export type QuestionFieldProps = {
  /** Tells its radio buttons from those of others. */
  name: string;
  question: Question;
  choice: Choice;
  onChoose: (choice: Choice) => void;
};

/** A model is told to give four. */
const OPTIONS_AT_ONCE = 50;

export function QuestionField({ name, question, choice, onChoose }: QuestionFieldProps) {
  const { t } = useLocale();
  const type = question.isMultiple ? 'checkbox' : 'radio';
  return (
    <fieldset className="flex flex-col gap-1">
      <legend className="mb-1.5 font-medium text-sm">
        {question.header !== '' && (
          <span className="mr-2">
            <Badge>
              <SafeText text={question.header.slice(0, 40)} />
            </Badge>
          </span>
        )}
        <SafeText text={boundLine(question.text, 4_000)} />
        {question.isMultiple && (
          <span className="ml-2 font-normal text-muted text-xs">{t('approval.several')}</span>
        )}
      </legend>
      <Stepwise entries={question.options} atOnce={OPTIONS_AT_ONCE}>
        {(shown) =>
          shown.map((option, place) => (
            <label
              // biome-ignore lint/suspicious/noArrayIndexKey: Options never change, and two may be alike.
              key={place}
              className="flex cursor-pointer items-start gap-2.5 rounded-md border bg-panel px-3 py-2 hover:bg-hover has-checked:border-accent has-checked:bg-accent-soft coarse:min-h-11"
            >
              <input
                type={type}
                name={name}
                checked={choice.picked.includes(place)}
                onChange={() => onChoose(pick(question, choice, place))}
                className="mt-0.5 size-4 shrink-0 accent-accent"
              />
              <OptionText option={option} />
            </label>
          ))
        }
      </Stepwise>
      <OtherField name={name} type={type} question={question} choice={choice} onChoose={onChoose} />
    </fieldset>
  );
}

function OptionText({ option: { label, description, preview } }: { option: Option }) {
  return (
    <span className="min-w-0 flex-1 text-[13px]">
      <span className="font-medium">
        <SafeText text={boundLine(label, 1_000)} />
      </span>
      {description !== '' && description !== label && (
        <span className="block text-muted text-xs">
          <SafeText text={boundLine(description, 4_000)} />
        </span>
      )}
      {preview !== '' && (
        <span className="mt-1.5 block">
          <CommandText text={preview} />
        </span>
      )}
    </span>
  );
}

/** An answer in one's own words. Writing chooses it. */
function OtherField({
  name,
  type,
  question,
  choice,
  onChoose,
}: QuestionFieldProps & { type: 'radio' | 'checkbox' }) {
  const { t } = useLocale();
  const isChosen = choice.other !== null;
  const set = (other: string | null): void => onChoose(pickOther(question, choice, other));
  return (
    <div className="flex items-center gap-2.5 rounded-md border bg-panel px-3 py-1.5 has-checked:border-accent">
      <input
        type={type}
        name={name}
        aria-label={t('approval.somethingElse')}
        checked={isChosen}
        onChange={() => set(isChosen && question.isMultiple ? null : (choice.other ?? ''))}
        className="size-4 shrink-0 accent-accent"
      />
      <TextField
        aria-label={t('approval.otherAnswer')}
        placeholder={t('approval.somethingElse')}
        value={choice.other ?? ''}
        maxLength={10_000}
        onChange={(event) => set(event.target.value)}
      />
    </div>
  );
}
