import { followAttention } from './attention.ts';
import { notify } from './notifications.ts';

export function startAttention(): void {
  followAttention(notify);
}
