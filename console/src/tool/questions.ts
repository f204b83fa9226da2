import type { ToolCall } from '../log/item.ts';
import { type Fields, fieldsOf, listOf, textOf } from '../util/shapes.ts';

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
    const chosen = chosenLabels(
      options.map(({ label }) => textOf(label)),
      answer,
    );
    return {
      header: textOf(fields.header),
      question,
      options: options.map((option) => toOption(option, chosen)),
      answer,
    };
  });
}

function toOption(option: Fields, chosen: ReadonlySet<string>): QuestionOption {
  const label = textOf(option.label);
  return { label, description: textOf(option.description), isChosen: chosen.has(label) };
}

/** An answer is labels, joined. Labels may have commas of their own, and one may be the beginning of another. */
function chosenLabels(labels: readonly string[], answer: string | null): Set<string> {
  const chosen = new Set<string>();
  let rest = answer === null ? '' : `, ${answer}, `;
  for (const label of labels.toSorted((one, other) => other.length - one.length)) {
    if (label === '' || !rest.includes(`, ${label}, `)) continue;
    chosen.add(label);
    rest = rest.replace(`, ${label}, `, () => ', ');
  }
  return chosen;
}

function answerText(answer: unknown): string {
  return Array.isArray(answer)
    ? answer.filter((each) => typeof each === 'string').join(', ')
    : textOf(answer);
}
