import { cva, type VariantProps } from 'class-variance-authority';
import type { ComponentProps } from 'react';
import { cn } from './class-names.ts';

const look = cva(
  'inline-flex select-none items-center justify-center gap-1.5 whitespace-nowrap rounded-md border font-medium transition-colors disabled:cursor-not-allowed disabled:opacity-55 coarse:min-h-11 [&_svg]:shrink-0',
  {
    variants: {
      kind: {
        primary: 'border-transparent bg-accent text-accent-ink hover:bg-accent-hover',
        secondary: 'border-line-strong bg-panel text-ink hover:bg-hover',
        quiet: 'border-transparent text-muted hover:bg-hover hover:text-ink',
        danger: 'border-danger-line bg-panel text-danger hover:bg-danger-soft',
      },
      size: {
        small: 'h-7 px-2 text-xs [&_svg]:size-3.5',
        medium: 'h-8 px-3 text-[13px] [&_svg]:size-4',
        icon: 'size-8 coarse:min-w-11 [&_svg]:size-4',
        iconSmall: 'size-7 coarse:min-w-11 [&_svg]:size-3.5',
      },
    },
    defaultVariants: { kind: 'secondary', size: 'medium' },
  },
);

export type ButtonProps = ComponentProps<'button'> & VariantProps<typeof look>;

/** 44 px high where a finger points. A button of an icon alone needs an `aria-label`. */
export function Button({ kind, size, className, type = 'button', ...props }: ButtonProps) {
  return <button type={type} className={cn(look({ kind, size }), className)} {...props} />;
}

/** For links that look like buttons. */
export function buttonLook(options: VariantProps<typeof look> = {}): string {
  return look(options);
}
