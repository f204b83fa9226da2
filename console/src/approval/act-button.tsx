import { useEffect } from 'react';
import { Button, type ButtonProps } from '../ui/button.tsx';
import { cn } from '../ui/class-names.ts';
import { useStore } from '../util/store.ts';
import { arming } from './arming.ts';
import type { Answering } from './use-answer.ts';

export type ActButtonProps = Omit<ButtonProps, 'onClick' | 'disabled'> & {
  answering: Answering;
  onAct: () => void;
  /** Not yet complete. */
  isIncomplete?: boolean;
};

/** A button that answers; not in the moment in which cards move, and never twice. */
export function ActButton({ answering, onAct, isIncomplete = false, className, ...props }: ActButtonProps) {
  const isArmed = useStore(arming.isArmed);
  useEffect(() => {
    arming.disarm();
    return arming.disarm;
  }, []);
  const isBlocked = isIncomplete || !canAnswer(answering);
  return (
    <Button
      // NOTE: `disabled` would drop the focus.
      aria-disabled={isBlocked || !isArmed}
      onClick={() => {
        if (!isBlocked && arming.isArmed.get()) onAct();
      }}
      className={cn(isBlocked && 'cursor-not-allowed opacity-55', className)}
      {...props}
    />
  );
}

export function canAnswer({ may, isSending, isChecking, unsent }: Answering): boolean {
  return may.allowed && !isSending && !isChecking && unsent === null;
}
