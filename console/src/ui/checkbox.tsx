import { Checkbox as Base } from '@base-ui/react/checkbox';
import { Check, Minus } from 'lucide-react';
import type { ComponentProps } from 'react';

/** Needs a label around it, or an `aria-label`. */
export function Checkbox({ indeterminate, ...props }: Omit<ComponentProps<typeof Base.Root>, 'className'>) {
  return (
    <Base.Root
      indeterminate={indeterminate ?? false}
      className="flex size-4 shrink-0 items-center justify-center rounded border border-line-strong bg-panel data-[checked]:border-accent data-[checked]:bg-accent data-[indeterminate]:border-accent data-[indeterminate]:bg-accent data-[disabled]:opacity-55"
      {...props}
    >
      <Base.Indicator className="text-accent-ink">
        {indeterminate ? <Minus aria-hidden className="size-3" /> : <Check aria-hidden className="size-3" />}
      </Base.Indicator>
    </Base.Root>
  );
}
