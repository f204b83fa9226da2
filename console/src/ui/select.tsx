import { Select as Base } from '@base-ui/react/select';
import { Check, ChevronDown } from 'lucide-react';
import type { ReactNode } from 'react';
import { cn } from './class-names.ts';

export type SelectProps<T extends string> = {
  value: T;
  options: readonly { value: T; label: ReactNode; isDisabled?: boolean }[];
  onChoose: (value: T) => void;
  isDisabled?: boolean;
  id?: string;
  'aria-label'?: string;
  'aria-describedby'?: string | undefined;
  className?: string;
};

/** One of a few; for many, or free text, take a field with a list of suggestions. */
export function Select<T extends string>({
  value,
  options,
  onChoose,
  isDisabled = false,
  className,
  ...aria
}: SelectProps<T>) {
  return (
    <Base.Root
      items={options.map((option) => ({ value: option.value, label: option.label }))}
      value={value}
      disabled={isDisabled}
      onValueChange={(chosen) => chosen !== null && onChoose(chosen as T)}
    >
      <Base.Trigger
        className={cn(
          'flex h-8 w-full items-center justify-between gap-2 rounded-md border border-line-strong bg-panel px-2.5 text-left text-[13px] hover:bg-hover coarse:min-h-11 data-[disabled]:cursor-not-allowed data-[disabled]:opacity-60',
          className,
        )}
        {...aria}
      >
        <Base.Value className="truncate" />
        <Base.Icon>
          <ChevronDown aria-hidden className="size-4 text-muted" />
        </Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className="z-50" sideOffset={4} alignItemWithTrigger={false}>
          <Base.Popup className="max-h-[60dvh] min-w-(--anchor-width) overflow-y-auto rounded-lg border bg-panel p-1 shadow-raised outline-none">
            {options.map((option) => (
              <Base.Item
                key={option.value}
                value={option.value}
                disabled={option.isDisabled ?? false}
                className="flex cursor-default items-center gap-2 rounded-md px-2 py-1.5 text-[13px] outline-none coarse:min-h-11 data-[disabled]:text-faint data-[highlighted]:bg-hover"
              >
                <span className="flex size-4 items-center">
                  <Base.ItemIndicator>
                    <Check aria-hidden className="size-4" />
                  </Base.ItemIndicator>
                </span>
                <Base.ItemText>{option.label}</Base.ItemText>
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
