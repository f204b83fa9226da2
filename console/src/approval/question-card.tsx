import { useMemo } from 'react';
import { JsonView } from '../content/json.tsx';
import { useLocale } from '../i18n/locale.ts';
import { ActButton } from './act-button.tsx';
import type { CardProps } from './card-props.ts';
import { DenyRow } from './deny-row.tsx';
import { changeDraft, useDraft } from './draft.ts';
import { type Choice, missingAnswers, noChoice, readQuestions, toAnswers } from './question.ts';
import { QuestionField } from './question-field.tsx';

/** Questions of the agent: each is answered by options, or by one's own words. */
export function QuestionCard({ approval, answering, hasKeys }: CardProps) {
  const { t } = useLocale();
  const questions = useMemo(() => readQuestions(approval.input), [approval.input]);
  const { choices } = useDraft(approval.approval_id);
  const answers = toAnswers(questions, choices);
  const missing = missingAnswers(questions, choices);
  const choose = (index: number, choice: Choice): void => {
    const changed = questions.map((_, place) => (place === index ? choice : (choices[place] ?? noChoice)));
    changeDraft(approval, { choices: changed });
  };
  return (
    <>
      {questions.length === 0 && <JsonView value={approval.input} label={t('approval.input')} />}
      {questions.map((question, index) => (
        <QuestionField
          // biome-ignore lint/suspicious/noArrayIndexKey: They never change, and two may be alike.
          key={index}
          name={`${approval.approval_id}-${index}`}
          question={question}
          choice={choices[index] ?? noChoice}
          onChoose={(choice) => choose(index, choice)}
        />
      ))}
      <div className="flex flex-wrap items-center gap-3">
        <ActButton
          kind="primary"
          answering={answering}
          isIncomplete={answers === null}
          onAct={() => answers !== null && answering.send({ act: 'answer', answers })}
          className="coarse:w-full"
        >
          {t('approval.sendAnswers', { count: questions.length })}
        </ActButton>
        {missing > 0 && questions.length > 1 && (
          <span className="text-muted text-xs">{t('approval.missing', { count: missing })}</span>
        )}
      </div>
      <DenyRow approval={approval} answering={answering} hasKeys={hasKeys} label={t('approval.skip')} />
    </>
  );
}
