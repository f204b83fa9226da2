import { Check } from 'lucide-react';
import { boundLine } from '../content/bounds.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../transcript/item.ts';
import { cn } from '../ui/class-names.ts';
import { FailureText, Section } from './body-parts.tsx';
import { type Question, type QuestionOption, readQuestions } from './questions.ts';

/** The program takes four; what a model wrote that was refused may be anything. */
const MOST = 20;

/** What was asked, and what was chosen or said. */
export function QuestionsBody({ call }: { call: ToolCall }) {
  const questions = readQuestions(call);
  return (
    <>
      {questions.slice(0, MOST).map((question, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: Questions have no other name than their place.
        <QuestionView key={index} question={question} />
      ))}
      <Others count={questions.length - MOST} />
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
      <ul className="mt-1 space-y-0.5">
        {options.slice(0, MOST).map((option, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: Options have no other name than their place.
          <OptionRow key={index} option={option} />
        ))}
      </ul>
      <Others count={options.length - MOST} />
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

function Others({ count }: { count: number }) {
  return count > 0 && <p className="px-3 py-1 text-muted text-xs">… (+{count})</p>;
}
