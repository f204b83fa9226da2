import type en from './en.json';

/** What the console says, by noun; `{name}` stands for a value, and `one`/`other` for the number in `{count}`. */
export type Words = Widened<typeof en>;

export type Plural = { one?: string; other: string };

/** Other languages have the same keys, and not all of the forms of a number. */
type Widened<T> = T extends string
  ? string
  : T extends { other: string }
    ? Plural
    : { [K in keyof T]: Widened<T[K]> };

type KeysOf<T> = {
  [K in keyof T & string]: T[K] extends string | Plural ? K : `${K}.${KeysOf<T[K]>}`;
}[keyof T & string];

export type WordKey = KeysOf<Words>;
export type Values = Record<string, string | number>;

/** The words of a key with its values. What is missing shows as its key: a test sees that nothing is. */
export function translate(words: Words, locale: string, key: WordKey, values: Values = {}): string {
  const found = key
    .split('.')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], words);
  const text = typeof found === 'object' ? pickPlural(found as Plural, locale, values) : found;
  if (typeof text !== 'string') return key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => shown(values[name], locale) ?? whole);
}

function pickPlural(forms: Plural, locale: string, { count = 0 }: Values): string {
  const form = new Intl.PluralRules(locale).select(Number(count));
  return (form === 'one' ? forms.one : undefined) ?? forms.other;
}

function shown(value: string | number | undefined, locale: string): string | undefined {
  return typeof value === 'number' ? value.toLocaleString(locale) : value;
}
