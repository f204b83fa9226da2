import { type ReactNode, useId } from 'react';
import { cn } from './class-names.ts';

export type FieldProps = {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  className?: string;
  /** The control; it must take the `id` and the `aria-…` that it is given. */
  children: (control: {
    id: string;
    'aria-describedby': string | undefined;
    'aria-invalid': boolean;
  }) => ReactNode;
};

/** A label, its control, and what is said about them. */
export function Field({ label, hint, error, className, children }: FieldProps) {
  const id = useId();
  const hasNote = hint !== undefined || error !== undefined;
  const note = `${id}-note`;
  return (
    <div className={cn('flex flex-col gap-1', className)}>
      <label htmlFor={id} className="font-medium text-[13px]">
        {label}
      </label>
      {children({
        id,
        'aria-describedby': hasNote ? note : undefined,
        'aria-invalid': error !== undefined,
      })}
      {hasNote && (
        <p id={note} className={cn('text-xs', error === undefined ? 'text-muted' : 'text-danger')}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}
