import { ArrowUp, CornerDownRight, ListPlus, OctagonPause } from 'lucide-react';
import type { Act } from './act.ts';

const icons = { send: ArrowUp, steer: CornerDownRight, queue: ListPlus, interrupt: OctagonPause };

export function ActIcon({ act }: { act: Act }) {
  const Icon = icons[act];
  return <Icon aria-hidden />;
}
