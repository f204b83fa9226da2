/** Messages that reach an agent in the middle of its turn, and what it makes of them. */
import type { HeldSession } from './held-session.ts';
import type { LiveAgent } from './live-agent.ts';
import type { LiveTurn } from './live-turn.ts';
import { foldSteering, returnSteering, takeSteering } from './store.ts';

/** Hands messages that steer the running turn to its agent, while that has the turn's own prompt and works on it. */
export async function giveSteering(held: HeldSession, running: () => LiveTurn | null): Promise<void> {
  const live = running();
  if (live === null || !takesSteering(live)) return;
  const turns = await held.persist(takeSteering);
  for (const turn of turns) {
    if (takesSteering(live)) live.agent?.give(turn);
    // Stopped meanwhile: the agent would take it for the next prompt.
    else await held.persist(async (db, hold) => await returnSteering(db, hold, turn.id));
  }
}

function takesSteering({ agent, isGiven, isStopped, hasResult, isParked }: LiveTurn): boolean {
  return agent?.process.isEnding === false && isGiven && !isStopped && !hasResult && !isParked;
}

/** What the agent program says of its queue: a message was begun, or given back unread. */
type QueueNotice = { type: 'command_lifecycle'; state: string; command_uuid: string };

export function isQueueNotice(message: object): message is QueueNotice {
  return 'type' in message && message.type === 'command_lifecycle' && 'command_uuid' in message;
}

/**
 * A message that the agent begins while another turn runs becomes part of that one; one that it gives back waits again.
 *
 * @returns true when there is a message to be sent again
 */
export async function noticeQueue(
  held: HeldSession,
  { agent, running }: { agent: LiveAgent; running: LiveTurn | null },
  { state, command_uuid }: QueueNotice,
): Promise<boolean> {
  if (state !== 'started' && state !== 'cancelled') return false;
  const turn = agent.take(command_uuid);
  if (turn === undefined) return false;
  if (turn.id === running?.id) {
    // It was given back while it became the turn that runs, which would wait for it in vain.
    if (state === 'cancelled' && !running.isStopped) agent.give(turn);
    return false;
  }
  if (state === 'cancelled') await held.persist(async (db, hold) => await returnSteering(db, hold, turn.id));
  else if (running !== null) {
    const fold = { turnId: turn.id, intoId: running.id };
    await held.record(async (db, hold) => await foldSteering(db, hold, fold));
  }
  return state === 'cancelled';
}
