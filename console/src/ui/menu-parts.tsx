import { Menu as Base } from '@base-ui/react/menu';
import type { ReactNode } from 'react';
import { cn } from './class-names.ts';
import type { MenuProps } from './menu.tsx';

/** Open when it comes: it is there only once somebody opened it. */
export function MenuRoot({ trigger, children }: MenuProps) {
  return (
    <Base.Root defaultOpen>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner className="z-50" sideOffset={4} align="end">
          <Base.Popup className="max-h-[70dvh] min-w-44 overflow-y-auto rounded-lg border bg-panel p-1 shadow-raised outline-none">
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

const itemLook =
  'flex cursor-default select-none items-center gap-2 rounded-md px-2.5 py-1.5 text-[13px] outline-none coarse:min-h-11 data-[highlighted]:bg-hover data-[disabled]:text-faint [&_svg]:size-4 [&_svg]:text-muted';

export type MenuItemProps = {
  onSelect: () => void;
  icon?: ReactNode;
  isDangerous?: boolean;
  isDisabled?: boolean;
  children: ReactNode;
};

export function MenuItem({ onSelect, icon, isDangerous, isDisabled, children }: MenuItemProps) {
  return (
    <Base.Item
      className={cn(itemLook, isDangerous && 'text-danger [&_svg]:text-danger')}
      disabled={isDisabled ?? false}
      onClick={onSelect}
    >
      {icon}
      {children}
    </Base.Item>
  );
}

export function MenuSeparator() {
  return <Base.Separator className="my-1 h-px bg-line" />;
}

/** Said within a menu. */
export function MenuNote({ children }: { children: ReactNode }) {
  return <p className="max-w-72 border-t px-2.5 pt-1.5 pb-1 text-muted text-xs">{children}</p>;
}

export type MenuChoiceProps<T extends string> = {
  label: string;
  value: T;
  options: readonly {
    value: T;
    label: ReactNode;
    /** What it means, or why it cannot be chosen. */
    hint?: string | undefined;
    isDisabled?: boolean;
  }[];
  onChoose: (value: T) => void;
};

/** One of several, within a menu. */
export function MenuChoice<T extends string>({ label, value, options, onChoose }: MenuChoiceProps<T>) {
  return (
    <Base.Group>
      <Base.GroupLabel className="px-2.5 py-1 font-medium text-muted text-xs">{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={(chosen: T) => onChoose(chosen)}>
        {options.map((option) => (
          <Base.RadioItem
            key={option.value}
            value={option.value}
            disabled={option.isDisabled ?? false}
            closeOnClick
            className={itemLook}
          >
            <span className="flex size-4 items-center justify-center">
              <Base.RadioItemIndicator className="size-1.5 rounded-full bg-accent" />
            </span>
            {option.hint === undefined ? (
              option.label
            ) : (
              <span className="flex max-w-72 flex-col">
                {option.label}
                <span className="text-muted text-xs">{option.hint}</span>
              </span>
            )}
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  );
}
