import { remember, remembered } from '../util/remembered.ts';
import { Store } from '../util/store.ts';

export const themes = ['system', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

// NOTE: public/theme.js reads the same key before the first paint.
const STORAGE_KEY = 'greenroom.theme';
const darkSystem = matchMedia('(prefers-color-scheme: dark)');

export const theme = new Store<Theme>(themes.find((name) => name === remembered(STORAGE_KEY)) ?? 'system');

export function chooseTheme(chosen: Theme): void {
  remember(STORAGE_KEY, chosen === 'system' ? null : chosen);
  theme.set(chosen);
  apply();
}

export function followSystemTheme(): void {
  darkSystem.addEventListener('change', apply);
  apply();
}

function apply(): void {
  const chosen = theme.get();
  const isDark = chosen === 'dark' || (chosen === 'system' && darkSystem.matches);
  document.documentElement.classList.toggle('dark', isDark);
}
