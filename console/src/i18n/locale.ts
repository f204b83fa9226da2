import { remember, remembered } from '../util/remembered.ts';
import { Store, useStore } from '../util/store.ts';
import { translate, type Values, type WordKey, type Words } from './words.ts';

/** A language a file; `en` decides which words there are. */
const files = {
  en: async () => await import('./en.json'),
  ja: async () => await import('./ja.json'),
};

export type Locale = keyof typeof files;
export const locales = Object.keys(files) as Locale[];

export type Translate = (key: WordKey, values?: Values) => string;

const STORAGE_KEY = 'greenroom.locale';
const current = new Store<{ locale: Locale; words: Words } | null>(null);

/** Which language the reader has chosen, or the browser prefers. */
function preferredLocale(): Locale {
  const wanted = [remembered<string>(STORAGE_KEY), ...navigator.languages.map((tag) => tag.split('-')[0])];
  return locales.find((locale) => wanted.includes(locale) && wanted.find(isLocale) === locale) ?? 'en';
}

function isLocale(tag: unknown): tag is Locale {
  return locales.includes(tag as Locale);
}

/** Before anything is rendered. */
export async function loadWords(locale: Locale = preferredLocale()): Promise<void> {
  const { default: words } = await files[locale]();
  document.documentElement.lang = locale;
  current.set({ locale, words });
}

export async function chooseLocale(locale: Locale): Promise<void> {
  remember(STORAGE_KEY, locale);
  await loadWords(locale);
}

/** The words and the locale; renders again when the reader takes another language. */
export function useLocale(): { t: Translate; locale: Locale } {
  const loaded = useStore(current);
  if (loaded === null) throw new Error('the words are not loaded');
  return { t: (key, values) => translate(loaded.words, loaded.locale, key, values), locale: loaded.locale };
}

/** For what is no component, such as the title of the page. */
export function say(key: WordKey, values?: Values): string {
  const loaded = current.get();
  return loaded === null ? key : translate(loaded.words, loaded.locale, key, values);
}
