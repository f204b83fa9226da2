import type { Generated } from 'kysely';

export type QueueRoundTable = {
  is_only: Generated<true>;
  /** The latest one that anybody was taken from (rounds.ts). */
  round: number;
};
