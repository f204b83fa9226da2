import { useEffect } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Store, useStore } from '../util/store.ts';
import { useAttentionCount } from './use-attention-count.ts';

const pageTitle = new Store<string | null>(null);

/** Names the page in the tab, for as long as it is shown. */
export function usePageTitle(title: string | null): void {
  useEffect(() => {
    pageTitle.set(title);
    return () => pageTitle.set(null);
  }, [title]);
}

/** Keeps the tab's title and icon: with the number of sessions that need somebody. */
export function TabTitle() {
  const { t } = useLocale();
  const count = useAttentionCount();
  const page = useStore(pageTitle);
  const name = page === null ? t('app.name') : `${page} · ${t('app.name')}`;
  useEffect(() => {
    document.title = count === 0 ? name : `(${count}) ${name}`;
  }, [count, name]);
  useEffect(() => showIcon(count > 0), [count]);
  return null;
}

/** The icon is drawn here: a badge on it is no file of its own, and the page's policy allows pictures as data. */
function showIcon(hasBadge: boolean): void {
  const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');
  if (link === null) return;
  const badge = hasBadge
    ? '<circle cx="25" cy="7" r="7" fill="#f2b955" stroke="#fff" stroke-width="2"/>'
    : '';
  const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#c4532d"/><path d="M6 17h5l3-9 4 16 3-7h5" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"/>${badge}</svg>`;
  link.href = `data:image/svg+xml,${encodeURIComponent(icon)}`;
}
