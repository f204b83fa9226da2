import { cva, type VariantProps } from 'class-variance-authority';
import type { ReactNode } from 'react';

const look = cva(
  'inline-flex h-6 items-center gap-1.5 whitespace-nowrap rounded-full border px-2 font-medium text-xs',
  {
    variants: {
      tone: {
        plain: 'border-line bg-raised text-muted',
        needs: 'border-needs-line bg-needs-soft text-needs',
        working: 'border-working-line bg-working-soft text-working',
        done: 'border-done-line bg-done-soft text-done',
        danger: 'border-danger-line bg-danger-soft text-danger',
        accent: 'border-transparent bg-accent-soft text-accent',
      },
    },
    defaultVariants: { tone: 'plain' },
  },
);

export type Tone = NonNullable<VariantProps<typeof look>['tone']>;

export function Badge({ tone, children }: { tone?: Tone; children: ReactNode }) {
  return <span className={look({ tone })}>{children}</span>;
}
