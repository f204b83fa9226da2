import type { ToolCall } from '../transcript/item.ts';
import { type Fields, fieldsOf, listOf, textOf } from './shapes.ts';

export type QuestionOption = { label: string; description: string; isChosen: boolean };
export type Question = {
  header: string;
  question: string;
  options: QuestionOption[];
  /** Labels, joined, or words of the reader's own; null while nobody has answered. */
  answer: string | null;
};

export function readQuestions({ input, details }: Pick<ToolCall, 'input' | 'details'>): Question[] {
  const answered = fieldsOf(details);
  const answers = fieldsOf(answered.answers ?? fieldsOf(input).answers);
  const questions = listOf(fieldsOf(input).questions ?? answered.questions);
  return questions.map(fieldsOf).map((fields) => {
    const question = textOf(fields.question);
    const answer = Object.hasOwn(answers, question) ? answerText(answers[question]) : null;
    const options = listOf(fields.options).map(fieldsOf);
    return {
      header: textOf(fields.header),
      question,
      options: options.map((option) => toOption(option, answer)),
      answer,
    };
  });
}

function toOption(option: Fields, answer: string | null): QuestionOption {
  const label = textOf(option.label);
  return { label, description: textOf(option.description), isChosen: isChosen(label, answer) };
}

/** Labels may have commas of their own: the answer is asked for the label, not taken apart. */
function isChosen(label: string, answer: string | null): boolean {
  return answer !== null && label !== '' && `, ${answer}, `.includes(`, ${label}, `);
}

function answerText(answer: unknown): string {
  return Array.isArray(answer)
    ? answer.filter((each) => typeof each === 'string').join(', ')
    : textOf(answer);
}
