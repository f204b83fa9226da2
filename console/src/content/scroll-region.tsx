import type { ReactNode } from 'react';
import { cn } from '../ui/class-names.ts';

export type ScrollRegionProps = { label: string; className?: string; dir?: 'ltr'; children: ReactNode };

/** What scrolls by itself: reached by keyboard, and named for those who do not see it. */
export function ScrollRegion({ label, className, dir, children }: ScrollRegionProps) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: No fields are in it; a section would be a landmark for each piece of code.
    <div
      // biome-ignore lint/a11y/noNoninteractiveTabindex: Otherwise only a mouse scrolls it.
      tabIndex={0}
      role="group"
      aria-label={label}
      dir={dir}
      className={cn('max-h-[70dvh] overflow-auto -outline-offset-2', className)}
    >
      {children}
    </div>
  );
}
