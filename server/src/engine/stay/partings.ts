import type { CutReason } from '../../session/turn/turn.ts';
import type { Parting } from './step.ts';

/** How it stands with a turn that is left as it is, and what the log says of it. */
export const partings = {
  answer: {
    reason: null,
    isWhole: false,
    level: 'info',
    text: 'parked the turn until somebody has answered',
  },
  room: {
    reason: 'made_room',
    isWhole: true,
    level: 'info',
    text: 'the turn makes room for others, and goes on when it is its turn',
  },
  server: {
    reason: 'server_stopped',
    isWhole: true,
    level: 'info',
    text: 'left the turn at a request to the model: it goes on at the next server, or the next start',
  },
  cut: {
    reason: 'server_stopped',
    isWhole: false,
    level: 'warn',
    text: 'cut the turn off in the middle: it goes on at the next server, or the next start',
  },
  crash: {
    reason: 'agent_ended',
    isWhole: false,
    level: 'warn',
    text: 'the agent process ended in the middle of a turn, which goes on in another one',
  },
  silence: {
    reason: 'agent_silent',
    isWhole: false,
    level: 'warn',
    text: 'the agent process that was to go on with a turn said nothing; another one is told to',
  },
} as const satisfies Record<
  Parting,
  { reason: CutReason | null; isWhole: boolean; level: 'info' | 'warn'; text: string }
>;
