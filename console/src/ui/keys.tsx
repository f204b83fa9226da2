import type { ReactNode } from 'react';

/** A key of the keyboard; on touch screens there is none to show. */
export function Keys({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-flex h-5 min-w-5 items-center justify-center rounded border border-current/25 px-1 font-mono text-[11px] coarse:hidden">
      {children}
    </kbd>
  );
}
