import type { Turn } from '@greenroom/client';
import { useQuery } from '@tanstack/react-query';
import { ChevronRight } from 'lucide-react';
import { client } from '../api/client.ts';
import { formatCost, formatDuration } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';

const LATEST = 30;

/** What each of the latest turns cost, as bars; the numbers stand in a table behind them. */
export function TurnCosts({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const { data: turns = [] } = useQuery({
    queryKey: ['turns', sessionId, 'latest'],
    queryFn: async ({ signal }) => await readLatest(sessionId, signal),
  });
  const ran = turns.filter((turn) => turn.steered_into === null && turn.state !== 'queued').reverse();
  if (ran.length === 0) return null;
  const most = Math.max(...ran.map((turn) => turn.cost_usd), Number.MIN_VALUE);
  return (
    <section className="flex flex-col gap-1.5">
      <h2 className="text-[13px] text-muted">{t('panel.overview.costPerTurn')}</h2>
      {ran.some((turn) => turn.cost_usd > 0) && (
        <div aria-hidden className="flex h-14 items-end gap-1">
          {ran.map((turn) => (
            <div
              key={turn.turn_id}
              className={
                turn.state === 'completed'
                  ? 'min-h-0.5 max-w-6 flex-1 rounded-t-sm bg-accent'
                  : 'min-h-0.5 max-w-6 flex-1 rounded-t-sm bg-line-strong'
              }
              style={{ height: `${(turn.cost_usd / most) * 100}%` }}
            />
          ))}
        </div>
      )}
      <details className="group text-xs">
        <summary className="flex cursor-pointer list-none items-center gap-1.5 text-muted coarse:min-h-11 [&::-webkit-details-marker]:hidden">
          <ChevronRight aria-hidden className="size-3.5 transition-transform group-open:rotate-90" />
          {t('panel.overview.numbers')}
        </summary>
        <TurnTable turns={ran} />
      </details>
    </section>
  );
}

async function readLatest(sessionId: string, signal: AbortSignal): Promise<Turn[]> {
  const turns: Turn[] = [];
  for await (const turn of client.sessions.turns(
    sessionId,
    { order: 'desc', pageSize: LATEST },
    { signal },
  )) {
    turns.push(turn);
    if (turns.length === LATEST) break;
  }
  return turns;
}

function TurnTable({ turns }: { turns: readonly Turn[] }) {
  const { t, locale } = useLocale();
  return (
    <table className="w-full tabular-nums">
      <thead className="text-left text-muted">
        <tr>
          <th className="py-1 font-normal">{t('panel.overview.turn')}</th>
          <th className="font-normal">{t('panel.overview.state')}</th>
          <th className="text-right font-normal">{t('panel.overview.time')}</th>
          <th className="text-right font-normal">{t('panel.overview.cost')}</th>
        </tr>
      </thead>
      <tbody>
        {turns.map((turn) => (
          <tr key={turn.turn_id} className="border-t">
            <td className="py-1">{turn.number}</td>
            <td>{t(`panel.overview.turnState.${turn.state}`)}</td>
            <td className="text-right">
              {turn.duration_ms === null ? '' : formatDuration(turn.duration_ms, locale)}
            </td>
            <td className="text-right">{formatCost(turn.cost_usd, locale)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
