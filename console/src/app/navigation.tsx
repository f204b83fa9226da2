import { Link } from '@tanstack/react-router';
import { Activity, List, Plus, Settings } from 'lucide-react';
import type { ReactNode } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { NeedsYouCount } from '../session-list/needs-you-count.tsx';

/** Where one can go. `onGo` closes the drawer that it is in on phones. */
export function Navigation({ onGo }: { onGo: () => void }) {
  const { t } = useLocale();
  return (
    <div className="flex flex-col gap-1 p-3">
      <div className="flex items-center gap-2 px-2 pb-3 font-semibold">
        <Activity aria-hidden className="size-4.5 text-accent" />
        {t('app.name')}
      </div>
      <nav aria-label={t('app.menu')} className="flex flex-1 flex-col gap-0.5">
        <Place to="/sessions" icon={<List aria-hidden />} label={t('app.sessions')} onGo={onGo}>
          <NeedsYouCount />
        </Place>
        <Place to="/new" icon={<Plus aria-hidden />} label={t('new.title')} onGo={onGo} />
        <Place to="/settings" icon={<Settings aria-hidden />} label={t('app.settings')} onGo={onGo} />
      </nav>
    </div>
  );
}

type PlaceProps = {
  to: '/sessions' | '/new' | '/settings';
  icon: ReactNode;
  label: string;
  onGo: () => void;
  children?: ReactNode;
};

function Place({ to, icon, label, onGo, children }: PlaceProps) {
  return (
    <Link
      to={to}
      onClick={onGo}
      activeOptions={{ includeSearch: false }}
      className="flex h-8 items-center gap-2.5 rounded-md px-2 text-[13px] text-muted hover:bg-hover hover:text-ink coarse:h-11 data-[status=active]:bg-raised data-[status=active]:font-medium data-[status=active]:text-ink [&_svg]:size-4"
    >
      {icon}
      {label}
      {children}
    </Link>
  );
}
