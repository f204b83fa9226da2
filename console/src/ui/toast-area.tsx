import { Toast as Base } from '@base-ui/react/toast';
import { X } from 'lucide-react';
import { useEffect } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { useStore } from '../util/store.ts';
import { Button } from './button.tsx';
import { cn } from './class-names.ts';
import { said, takeSaid } from './toast.tsx';

const manager = Base.createToastManager();

/** Shows what is said, as it comes. */
export function ToastArea() {
  const waiting = useStore(said);
  // After the provider's own effect, which listens to the manager.
  useEffect(() => {
    if (waiting.length === 0) return;
    for (const toast of takeSaid()) manager.add(toast);
  }, [waiting]);
  return (
    <Base.Provider toastManager={manager}>
      <Base.Portal>
        <Base.Viewport className="fixed right-4 bottom-4 z-50 flex w-[min(92vw,22rem)] flex-col gap-2">
          <ToastList />
        </Base.Viewport>
      </Base.Portal>
    </Base.Provider>
  );
}

function ToastList() {
  const { t } = useLocale();
  const { toasts: shown } = Base.useToastManager();
  return shown.map((toast) => (
    <Base.Root
      key={toast.id}
      toast={toast}
      className={cn(
        'flex items-start gap-3 rounded-lg border bg-panel px-3.5 py-2.5 shadow-raised',
        toast.type === 'error' && 'border-danger-line',
      )}
    >
      <div className="min-w-0 flex-1">
        <Base.Title className="font-medium text-[13px]" />
        <Base.Description className="text-muted text-xs" />
      </div>
      <Base.Close render={<Button kind="quiet" size="iconSmall" aria-label={t('common.close')} />}>
        <X aria-hidden />
      </Base.Close>
    </Base.Root>
  ));
}
