import { type ReactNode, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';

export type StepwiseProps<T> = {
  entries: readonly T[];
  atOnce: number;
  /** Which of them are there at first. The button stands where the others would. */
  from?: 'start' | 'end';
  children: (shown: readonly T[]) => ReactNode;
};

const STEP = 5;

/** A list of any length: as many of it as a page bears, how many more there are, and those step by step. */
export function Stepwise<T>({ entries, atOnce, from = 'start', children }: StepwiseProps<T>) {
  const { t } = useLocale();
  const [most, setMost] = useState(atOnce);
  const left = entries.length - most;
  const more = left > 0 && (
    <Button kind="quiet" size="small" className="m-1" onClick={() => setMost(most + atOnce * STEP)}>
      {t('content.moreEntries', { count: left })}
    </Button>
  );
  return (
    <>
      {from === 'end' && more}
      {children(from === 'end' ? entries.slice(-most) : entries.slice(0, most))}
      {from === 'start' && more}
    </>
  );
}
