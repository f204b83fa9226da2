import type { ComponentProps } from 'react';
import { cn } from './class-names.ts';

// 16 px on phones: with less, iOS zooms into the field.
const look =
  'w-full rounded-md border border-line-strong bg-panel px-2.5 text-[13px] text-ink coarse:min-h-11 coarse:text-base disabled:cursor-not-allowed disabled:opacity-60 aria-invalid:border-danger';

export function TextField({ className, ...props }: ComponentProps<'input'>) {
  return <input className={cn(look, 'h-8', className)} {...props} />;
}

export function TextArea({ className, ...props }: ComponentProps<'textarea'>) {
  return <textarea className={cn(look, 'min-h-20 py-2 leading-relaxed', className)} {...props} />;
}
