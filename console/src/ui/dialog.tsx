import { lazy, type ReactNode, Suspense, useState } from 'react';

export type DialogProps = {
  isOpen: boolean;
  onClose: () => void;
  title: ReactNode;
  description?: ReactNode;
  /** `side` slides in from the right, and fills a phone. */
  place?: 'middle' | 'side';
  className?: string;
  /** Without room around its content, which brings its own. */
  isFlush?: boolean;
  children: ReactNode;
};

const DialogWindow = lazy(async () => ({ default: (await import('./dialog-window.tsx')).DialogWindow }));

/** A window over the page. Its code comes when it is opened for the first time: no page begins with one. */
export function Dialog(props: DialogProps) {
  const [wasOpen, setWasOpen] = useState(props.isOpen);
  if (props.isOpen && !wasOpen) setWasOpen(true);
  if (!wasOpen) return null;
  return (
    <Suspense fallback={null}>
      <DialogWindow {...props} />
    </Suspense>
  );
}
