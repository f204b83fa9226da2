import { sql, type Transaction } from 'kysely';
import type { Database } from '../../ground/db/database.ts';
import type { ApprovalPhase } from '../../session/approval/approval.ts';
import type { TurnRow } from '../../session/turn/store.ts';
import type { TurnPhase } from '../../session/turn/turn.ts';

/** What an event says of whether its turn runs, and when something was heard of the turn before it. */
export type Mark = {
  says: `turn ${TurnPhase}` | `approval ${ApprovalPhase}` | null;
  at: Date;
  before: Date | null;
};

/**
 * How long a turn has run, in milliseconds, up to the last event of it: neither while it waited for a person nor while it had
 * no process.
 */
export function runningTime(marks: readonly Mark[]): number {
  let total = 0;
  let since: Date | null = null;
  let asked = 0;
  const until = (at: Date | null): void => {
    if (since !== null && at !== null) total += at.getTime() - since.getTime();
    since = null;
  };
  for (const { says, at, before } of marks) {
    if (says === 'turn continued') until(before);
    if (says === 'approval requested') {
      until(at);
      asked += 1;
    } else if (says?.startsWith('approval')) asked -= 1;
    const isRunning = says === 'turn started' || says === 'turn continued' || says?.startsWith('approval');
    if (isRunning && asked === 0) since ??= at;
  }
  until(marks.at(-1)?.at ?? null);
  return total;
}

export async function measureRun(trx: Transaction<Database>, turn: TurnRow): Promise<number> {
  const { rows } = await sql<{ kind: string; at: Date; before: Date | null; data: { phase: string } | null }>`
    select kind, at, lag(at) over (order by seq) as before,
      case when kind in ('turn', 'approval') then data end as data
    from events where session_id = ${turn.session_id} and turn_id = ${turn.id} order by seq
  `.execute(trx);
  const marks = rows.map(({ kind, at, before, data }) => ({
    says: data === null ? null : (`${kind} ${data.phase}` as NonNullable<Mark['says']>),
    at,
    before,
  }));
  return runningTime(marks);
}
