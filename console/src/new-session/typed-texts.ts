import type { Draft } from './draft.ts';
import { type Parsed, parseFieldText } from './field-text.ts';
import type { FieldName, FormField } from './fields.ts';

/** What stands in a field as it was typed, and the value that it gave. */
export type TypedText = { text: string; value: unknown };

/** Of all fields in which something was typed. */
export type TypedTexts = Partial<Record<FieldName, TypedText>>;

export type Mistake = Extract<Parsed, { error: unknown }>['error'];

/** What was typed, as long as the draft is as it made it: changed from elsewhere, by a preset or in the JSON, it is past. */
export function typedText(texts: TypedTexts, draft: Draft, { name }: FormField): string | null {
  const typed = texts[name];
  if (typed === undefined) return null;
  return JSON.stringify(typed.value) === JSON.stringify(draft[name]) ? typed.text : null;
}

export function mistakeIn(texts: TypedTexts, draft: Draft, field: FormField): Mistake | null {
  const text = typedText(texts, draft, field);
  const parsed = text === null ? null : parseFieldText(text, field.control);
  return parsed !== null && 'error' in parsed ? parsed.error : null;
}
