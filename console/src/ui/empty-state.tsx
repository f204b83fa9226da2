import type { ReactNode } from 'react';

/** What is said where there is nothing, and what to do about it. */
export function EmptyState({
  icon,
  title,
  isPage = false,
  children,
}: {
  icon?: ReactNode;
  title: ReactNode;
  /** There is nothing else on the page. */
  isPage?: boolean;
  children?: ReactNode;
}) {
  const Heading = isPage ? 'h1' : 'h2';
  return (
    <div className="mx-auto flex max-w-xl flex-col items-center gap-3 px-6 py-14 text-center">
      {icon !== undefined && <span className="text-faint [&_svg]:size-7">{icon}</span>}
      <Heading className="font-semibold text-base">{title}</Heading>
      {children}
    </div>
  );
}
