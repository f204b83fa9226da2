import type { ReactNode } from 'react';

/** What is said where there is nothing, and what to do about it. */
export function EmptyState({
  icon,
  title,
  children,
}: {
  icon?: ReactNode;
  title: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className="mx-auto flex max-w-xl flex-col items-center gap-3 px-6 py-14 text-center [&_svg]:size-7 [&_svg]:text-faint">
      {icon}
      <h2 className="font-semibold text-base">{title}</h2>
      {children}
    </div>
  );
}
