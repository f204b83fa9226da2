import { lazy, Suspense, useState } from 'react';
import { Store, useStore } from '../util/store.ts';

export type Toast = { title: string; description?: string | undefined; type?: 'error' };

/** What was said and is not shown yet. */
export const said = new Store<readonly Toast[]>([]);

export function takeSaid(): readonly Toast[] {
  const taken = said.get();
  said.set([]);
  return taken;
}

/** Says briefly what happened, from anywhere: `toasts.add({ title, type: 'error' })`. */
export const toasts = {
  add: (toast: Toast): void => said.update((before) => [...before, toast]),
};

const ToastArea = lazy(async () => ({ default: (await import('./toast-area.tsx')).ToastArea }));

/** What shows them comes with the first. */
export function Toaster() {
  const [isNeeded, setNeeded] = useState(false);
  const hasAny = useStore(said).length > 0;
  if (hasAny && !isNeeded) setNeeded(true);
  return (
    isNeeded && (
      <Suspense fallback={null}>
        <ToastArea />
      </Suspense>
    )
  );
}
