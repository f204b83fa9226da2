import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Keys } from '../ui/keys.tsx';
import { shortcutGroups } from './groups.ts';
import { useShortcuts } from './use-shortcuts.ts';

/** The keys that hold everywhere; `?` shows them all. */
export function GlobalShortcuts() {
  const { t } = useLocale();
  const navigate = useNavigate();
  const [isOpen, setOpen] = useState(false);
  useShortcuts({
    '?': () => setOpen(true),
    'g s': () => void navigate({ to: '/sessions' }),
    'g n': () => void navigate({ to: '/new' }),
    'g ,': () => void navigate({ to: '/settings' }),
  });
  return (
    <Dialog isOpen={isOpen} onClose={() => setOpen(false)} title={t('shortcuts.title')}>
      <div className="flex flex-col gap-5">
        {shortcutGroups.map((group) => (
          <section key={group.title}>
            <h3 className="mb-1 font-medium text-[13px]">{t(group.title)}</h3>
            <dl className="flex flex-col">
              {group.shortcuts.map(({ keys, says }) => (
                <div key={keys} className="flex items-center justify-between gap-4 py-1 text-[13px]">
                  <dt className="text-muted">{t(says)}</dt>
                  <dd className="flex gap-1">
                    {keys.split(' ').map((key) => (
                      <Keys key={key}>{key}</Keys>
                    ))}
                  </dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
