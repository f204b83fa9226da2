import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import { Button } from './button.tsx';
import { cn } from './class-names.ts';
import type { DialogProps } from './dialog.tsx';

/** Takes the focus, gives it back, and closes with Escape. */
export function DialogWindow({
  isOpen,
  onClose,
  title,
  description,
  place = 'middle',
  className,
  isFlush = false,
  children,
}: DialogProps) {
  const { t } = useLocale();
  return (
    <Base.Root open={isOpen} onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-[#000000]/50 transition-opacity data-[ending-style]:opacity-0 data-[starting-style]:opacity-0" />
        <Base.Popup
          className={cn(
            'fixed z-50 flex flex-col overflow-hidden border bg-panel shadow-raised transition-all data-[ending-style]:opacity-0 data-[starting-style]:opacity-0',
            place === 'middle'
              ? '-translate-x-1/2 -translate-y-1/2 top-1/2 left-1/2 max-h-[min(90dvh,800px)] w-[min(94vw,34rem)] rounded-xl'
              : 'inset-y-0 right-0 w-[min(100vw,26rem)] border-y-0 border-r-0',
            className,
          )}
        >
          <header className="flex items-start gap-3 border-b px-5 py-4">
            <div className="min-w-0 flex-1">
              <Base.Title className="font-semibold text-base">{title}</Base.Title>
              {description !== undefined && (
                <Base.Description className="text-[13px] text-muted">{description}</Base.Description>
              )}
            </div>
            <Base.Close render={<Button kind="quiet" size="iconSmall" aria-label={t('common.close')} />}>
              <X aria-hidden />
            </Base.Close>
          </header>
          <div className={cn('min-h-0 flex-1', isFlush ? 'overflow-hidden' : 'overflow-y-auto px-5 py-4')}>
            {children}
          </div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
