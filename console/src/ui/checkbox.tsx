import { type ComponentProps, useLayoutEffect, useRef } from 'react';

export type CheckboxProps = Omit<ComponentProps<'input'>, 'ref' | 'type' | 'onChange' | 'className'> & {
  /** Some of what it stands for is chosen, and some is not. */
  indeterminate?: boolean;
  onCheckedChange?: (checked: boolean) => void;
};

/** Needs a label around it, or an `aria-label`. */
export function Checkbox({ indeterminate = false, onCheckedChange, ...props }: CheckboxProps) {
  const box = useRef<HTMLInputElement>(null);
  // After each rendering: a click takes it away, and the attribute does not exist.
  useLayoutEffect(() => {
    if (box.current !== null) box.current.indeterminate = indeterminate;
  });
  return (
    <input
      ref={box}
      type="checkbox"
      className="size-4 shrink-0 accent-accent disabled:opacity-55"
      onChange={(event) => onCheckedChange?.(event.target.checked)}
      {...props}
    />
  );
}
