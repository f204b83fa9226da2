import { Tabs as Base } from '@base-ui/react/tabs';
import type { ReactNode } from 'react';
import { cn } from './class-names.ts';

export type TabsProps<T extends string> = {
  value: T;
  onChange: (value: T) => void;
  label: string;
  tabs: readonly { value: T; label: ReactNode; panel: ReactNode }[];
  className?: string;
};

/** Panels of which one is shown; those that were not opened yet are not made. */
export function Tabs<T extends string>({ value, onChange, label, tabs, className }: TabsProps<T>) {
  return (
    <Base.Root
      value={value}
      onValueChange={(chosen: T) => onChange(chosen)}
      className={cn('flex min-h-0 flex-col', className)}
    >
      <Base.List aria-label={label} className="relative flex shrink-0 gap-1 overflow-x-auto border-b px-3">
        {tabs.map((tab) => (
          <Base.Tab
            key={tab.value}
            value={tab.value}
            className="-mb-px h-10 whitespace-nowrap border-transparent border-b-2 px-2.5 text-[13px] text-muted hover:text-ink coarse:h-11 data-[active]:border-accent data-[active]:font-medium data-[active]:text-ink"
          >
            {tab.label}
          </Base.Tab>
        ))}
      </Base.List>
      {tabs.map((tab) => (
        <Base.Panel key={tab.value} value={tab.value} className="min-h-0 flex-1 overflow-y-auto">
          {tab.panel}
        </Base.Panel>
      ))}
    </Base.Root>
  );
}
