import { Check } from 'lucide-react';
import { boundLine } from '../content/bounds.ts';
import { SafeText } from '../content/safe-text.tsx';
import { Stepwise } from '../content/stepwise.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { cn } from '../ui/class-names.ts';
import { FailureText, Section } from './body-parts.tsx';
import { type Question, type QuestionOption, readQuestions } from './questions.ts';

/** The program takes four; what a model wrote that was refused may be anything. */
const AT_ONCE = 20;

/** What was asked, and what was chosen or said. */
export function QuestionsBody({ call }: { call: ToolCall }) {
  const questions = readQuestions(call);
  return (
    <>
      <Stepwise entries={questions} atOnce={AT_ONCE}>
        {(shown) =>
          shown.map((question, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: Questions have no other name than their place.
            <QuestionView key={index} question={question} />
          ))
        }
      </Stepwise>
      <FailureText call={call} />
    </>
  );
}

function QuestionView({ question: { question, options, answer } }: { question: Question }) {
  const { t } = useLocale();
  const isOwnWords = answer !== null && !options.some(({ isChosen }) => isChosen);
  return (
    <Section>
      <p className="font-medium text-[13px]">
        <SafeText text={boundLine(question)} />
      </p>
      <Stepwise entries={options} atOnce={AT_ONCE}>
        {(shown) => (
          <ul className="mt-1 space-y-0.5">
            {shown.map((option, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: Options have no other name than their place.
              <OptionRow key={index} option={option} />
            ))}
          </ul>
        )}
      </Stepwise>
      {isOwnWords && (
        <p className="mt-1 rounded-md bg-raised px-2 py-1 text-[13px]">
          <SafeText text={boundLine(answer)} />
        </p>
      )}
      {answer === null && <p className="mt-1 text-muted text-xs">{t('tool.noAnswer')}</p>}
    </Section>
  );
}

function OptionRow({ option: { label, description, isChosen } }: { option: QuestionOption }) {
  const { t } = useLocale();
  return (
    <li className={cn('flex items-start gap-2 text-[13px]', !isChosen && 'text-muted')}>
      <span className="mt-0.5 size-4 shrink-0">
        {isChosen && <Check role="img" aria-label={t('tool.chosen')} className="size-4 text-done" />}
      </span>
      <span className="min-w-0">
        <SafeText text={boundLine(label, 400)} />
        {description !== '' && (
          <span className="text-muted text-xs">
            {' '}
            <SafeText text={boundLine(description, 600)} />
          </span>
        )}
      </span>
    </li>
  );
}
