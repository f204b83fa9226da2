import type { Approval } from '@greenroom/client';
import type { Answering } from './use-answer.ts';

export type CardProps = {
  approval: Approval;
  answering: Answering;
  /** Whether `y` and `n` answer this card wherever the focus is not. */
  hasKeys: boolean;
};
