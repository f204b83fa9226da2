import { Switch as Base } from '@base-ui/react/switch';
import type { ComponentProps } from 'react';

/** On or off, at once. Needs a label: a `Field`, or `aria-label`. */
export function Switch({ ...props }: Omit<ComponentProps<typeof Base.Root>, 'className' | 'children'>) {
  return (
    <Base.Root
      className="relative inline-flex h-5 w-9 shrink-0 rounded-full bg-line-strong p-0.5 transition-colors data-[disabled]:cursor-not-allowed data-[checked]:bg-accent data-[disabled]:opacity-55"
      {...props}
    >
      <Base.Thumb className="size-4 rounded-full bg-[#ffffff] shadow transition-transform data-[checked]:translate-x-4" />
    </Base.Root>
  );
}
