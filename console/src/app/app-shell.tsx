import { Outlet } from '@tanstack/react-router';
import { Menu as MenuIcon } from 'lucide-react';
import { useState } from 'react';
import { TabTitle } from '../attention/page-title.tsx';
import { useLocale } from '../i18n/locale.ts';
import { GlobalShortcuts } from '../shortcuts/shortcuts-sheet.tsx';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { useMedia } from '../util/use-media.ts';
import { ConnectionNote } from './connection-note.tsx';
import { Navigation } from './navigation.tsx';
import { SignInGate } from './sign-in-gate.tsx';

/** What is around each page: the navigation at the left, on phones behind a button. */
export function AppShell() {
  const { t } = useLocale();
  const isWide = useMedia('(min-width: 48rem)');
  const [isMenuOpen, setMenuOpen] = useState(false);
  return (
    <div className="flex h-full">
      <TabTitle />
      <SignInGate />
      <GlobalShortcuts />
      <a
        href="#main"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:rounded-md focus:bg-panel focus:p-2"
      >
        {t('app.skip')}
      </a>
      {isWide && (
        <aside className="flex w-52 shrink-0 flex-col overflow-y-auto border-r bg-panel">
          <Navigation onGo={() => {}} />
          <div className="mt-auto p-3">
            <ConnectionNote />
          </div>
        </aside>
      )}
      <div className="flex min-w-0 flex-1 flex-col">
        {!isWide && (
          <header className="flex items-center gap-2 border-b bg-panel px-2 py-1">
            <Button kind="quiet" size="icon" aria-label={t('app.menu')} onClick={() => setMenuOpen(true)}>
              <MenuIcon aria-hidden />
            </Button>
            <span className="font-semibold">{t('app.name')}</span>
            <div className="ml-auto min-w-0">
              <ConnectionNote />
            </div>
          </header>
        )}
        <main id="main" tabIndex={-1} className="min-h-0 flex-1 outline-none">
          <Outlet />
        </main>
      </div>
      <Dialog
        isOpen={isMenuOpen}
        onClose={() => setMenuOpen(false)}
        title={t('app.menu')}
        place="side"
        className="right-auto left-0 w-64"
      >
        <Navigation onGo={() => setMenuOpen(false)} />
      </Dialog>
    </div>
  );
}
