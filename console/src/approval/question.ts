import type { Approval } from '@greenroom/client';
import { fieldsOf, textOf } from '../util/shapes.ts';

export type Option = { label: string; description: string; preview: string };
export type Question = { text: string; header: string; isMultiple: boolean; options: readonly Option[] };

/** What is chosen for a question so far: places of options; `other` is null unless an answer of one's own is wanted. */
export type Choice = { picked: readonly number[]; other: string | null };

export const noChoice: Choice = { picked: [], other: null };

/** The questions of the agent; what is no question is left out. Empty when the input is something else. */
export function readQuestions(input: Approval['input']): Question[] {
  if (!Array.isArray(input.questions)) return [];
  return input.questions.flatMap((question: unknown) => {
    const { question: text, header, multiSelect, options } = fieldsOf(question);
    if (typeof text !== 'string') return [];
    const listed = Array.isArray(options) ? options.map(readOption) : [];
    return [{ text, header: textOf(header), isMultiple: multiSelect === true, options: listed }];
  });
}

function readOption(option: unknown): Option {
  const { label, description, preview } = fieldsOf(option);
  return { label: textOf(label), description: textOf(description), preview: textOf(preview) };
}

/** What is chosen after an option was pressed: of single choices, one thing at most. */
export function pick(question: Question, choice: Choice, place: number): Choice {
  if (!question.isMultiple) return { picked: [place], other: null };
  const isPicked = choice.picked.includes(place);
  const picked = isPicked ? choice.picked.filter((other) => other !== place) : [...choice.picked, place];
  return { ...choice, picked: picked.toSorted((a, b) => a - b) };
}

/** What is chosen once an own answer is wanted (text, also an empty one) or is not (null). */
export function pickOther(question: Question, choice: Choice, other: string | null): Choice {
  return { picked: question.isMultiple || other === null ? choice.picked : [], other };
}

/** The answers by question, as the server takes them; null while one is missing. */
export function toAnswers(
  questions: readonly Question[],
  choices: readonly (Choice | undefined)[],
): Record<string, string | string[]> | null {
  const entries = questions.map((question, index) => toEntry(question, choices[index] ?? noChoice));
  if (entries.length === 0 || entries.some((entry) => entry === null)) return null;
  return Object.fromEntries(entries as [string, string | string[]][]);
}

function toEntry(question: Question, { picked, other }: Choice): [string, string | string[]] | null {
  const own = other?.trim() ?? '';
  // An answer of one's own that is wanted and not written yet.
  if (other !== null && own === '') return null;
  const labels = picked.flatMap((place) => question.options[place]?.label ?? []);
  const texts = own === '' ? labels : [...labels, own];
  if (texts.length === 0) return null;
  return [question.text, question.isMultiple ? texts : (texts[0] ?? '')];
}

export function missingAnswers(
  questions: readonly Question[],
  choices: readonly (Choice | undefined)[],
): number {
  return questions.filter((question, index) => toEntry(question, choices[index] ?? noChoice) === null).length;
}

/** A question that fits on a line or two, with few short options, can be answered anywhere. */
export function isSimple(questions: readonly Question[]): boolean {
  const [first] = questions;
  if (first === undefined || questions.length > 1 || first.isMultiple || first.text.length > 200)
    return false;
  return first.options.length <= 4 && first.options.every(isShort);
}

function isShort({ label, preview }: Option): boolean {
  return label.trim() !== '' && label.length <= 60 && preview === '';
}
