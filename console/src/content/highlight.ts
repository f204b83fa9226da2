import type { HighlighterCore, LanguageRegistration, ThemedTokenWithVariants } from 'shiki/core';
import type { Language } from './language.ts';

/*
 * Colours of code, by Shiki with the browser's own regular expressions (the page's policy allows no WebAssembly). The
 * engine, each language and the themes are chunks of their own, loaded when code is first shown. Text is coloured a line
 * a token list, for both themes at once; what is too long stays plain.
 */

export type CodeToken = { text: string; light: string; dark: string };
export type CodeLine = readonly CodeToken[];

/** With enough contrast on every ground that code stands on; a test holds that. */
export const themes = { light: 'github-light-high-contrast', dark: 'github-dark-default' } as const;

/** Colours of the themes that cannot be read on the grounds of a diff, or stand on grounds that are not shown here. */
export const colorReplacements: Record<string, Record<string, string>> = {
  'github-light-high-contrast': { '#66707b': '#5c6570', '#ffffff': '#0e1116', '#e7ecf0': '#0e1116' },
  'github-dark-default': { '#161b22': '#e6edf3' },
};

const LONGEST_TEXT = 60_000;
const LONGEST_LINE = 600;
/** For a line; the first of a language takes long, for its expressions are compiled. */
const LONGEST_MS = 1_000;
const MOST_KEPT = 60;

const grammars: Record<Language, () => Promise<{ default: LanguageRegistration[] }>> = {
  typescript: async () => await import('shiki/langs/typescript.mjs'),
  tsx: async () => await import('shiki/langs/tsx.mjs'),
  javascript: async () => await import('shiki/langs/javascript.mjs'),
  json: async () => await import('shiki/langs/json.mjs'),
  shellscript: async () => await import('shiki/langs/shellscript.mjs'),
  python: async () => await import('shiki/langs/python.mjs'),
  html: async () => await import('shiki/langs/html.mjs'),
  css: async () => await import('shiki/langs/css.mjs'),
  markdown: async () => await import('shiki/langs/markdown.mjs'),
  yaml: async () => await import('shiki/langs/yaml.mjs'),
  toml: async () => await import('shiki/langs/toml.mjs'),
  sql: async () => await import('shiki/langs/sql.mjs'),
  diff: async () => await import('shiki/langs/diff.mjs'),
  go: async () => await import('shiki/langs/go.mjs'),
  rust: async () => await import('shiki/langs/rust.mjs'),
  java: async () => await import('shiki/langs/java.mjs'),
  c: async () => await import('shiki/langs/c.mjs'),
  docker: async () => await import('shiki/langs/docker.mjs'),
};

const kept = new Map<string, readonly CodeLine[]>();
const loadedLanguages = new Map<Language, Promise<HighlighterCore>>();
let engine: Promise<HighlighterCore> | null = null;

/** What is there without waiting: of text that was coloured before. */
export function keptHighlight(text: string, language: Language): readonly CodeLine[] | null {
  return kept.get(keyOf(text, language)) ?? null;
}

/** Null for text that is better left plain. Rejects where a chunk cannot be loaded. */
export async function highlight(text: string, language: Language): Promise<readonly CodeLine[] | null> {
  if (text.length > LONGEST_TEXT) return null;
  const highlighter = await withLanguage(language);
  const found = keptHighlight(text, language) ?? tokenize(highlighter, text, language);
  keep(keyOf(text, language), found);
  return found;
}

function tokenize(highlighter: HighlighterCore, text: string, language: Language): CodeLine[] {
  const options = { tokenizeMaxLineLength: LONGEST_LINE, tokenizeTimeLimit: LONGEST_MS, colorReplacements };
  return highlighter
    .codeToTokensWithThemes(text, { lang: language, themes, ...options })
    .map((line) => line.map(toToken));
}

function toToken({ content, variants }: ThemedTokenWithVariants): CodeToken {
  return {
    text: content,
    light: variants.light?.color ?? 'inherit',
    dark: variants.dark?.color ?? 'inherit',
  };
}

async function withLanguage(language: Language): Promise<HighlighterCore> {
  const loading = loadedLanguages.get(language) ?? loadLanguage(language);
  loadedLanguages.set(language, loading);
  // What could not be loaded is tried again when it is next needed.
  loading.catch(() => loadedLanguages.delete(language));
  return await loading;
}

async function loadLanguage(language: Language): Promise<HighlighterCore> {
  engine ??= createEngine();
  engine.catch(() => {
    engine = null;
  });
  const [highlighter, grammar] = await Promise.all([engine, grammars[language]()]);
  await highlighter.loadLanguage(grammar.default);
  return highlighter;
}

async function createEngine(): Promise<HighlighterCore> {
  const [{ createHighlighterCore }, { createJavaScriptRegexEngine }, light, dark] = await Promise.all([
    import('shiki/core'),
    import('shiki/engine/javascript'),
    import('shiki/themes/github-light-high-contrast.mjs'),
    import('shiki/themes/github-dark-default.mjs'),
  ]);
  return await createHighlighterCore({
    themes: [light.default, dark.default],
    langs: [],
    engine: createJavaScriptRegexEngine({ forgiving: true }),
  });
}

function keyOf(text: string, language: Language): string {
  return `${language}\n${text}`;
}

/** The latest ones: rows of a long list come and go. */
function keep(key: string, lines: readonly CodeLine[]): void {
  kept.delete(key);
  kept.set(key, lines);
  const oldest = kept.keys().next();
  if (kept.size > MOST_KEPT && !oldest.done) kept.delete(oldest.value);
}
