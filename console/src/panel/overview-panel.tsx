import type { Session, SessionSummary } from '@greenroom/client';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useSession } from '../api/use-session.ts';
import { SafeText } from '../content/safe-text.tsx';
import { formatCost, formatCount, formatTime } from '../i18n/format.ts';
import { useLocale } from '../i18n/locale.ts';
import { useSummary } from '../live/summaries.ts';
import { SessionStateBadge } from '../session-list/session-state-badge.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { ContextMeter } from './context-meter.tsx';
import { Meter } from './meter.tsx';
import { TurnCosts } from './turn-costs.tsx';

/** How the session stands, what it may cost, and what it did. */
export function OverviewPanel({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const { data: session, error, refetch } = useSession(sessionId);
  if (session === undefined) {
    return (
      <div className="p-4">
        {error === null ? (
          <Spinner label={t('app.loading')} />
        ) : (
          <ErrorNote error={error} onRetry={() => void refetch()} />
        )}
      </div>
    );
  }
  return (
    <div className="flex flex-col gap-5 p-4">
      <Standing session={session} />
      <Budget session={session} />
      <ContextMeter session={session} />
      <TurnCosts sessionId={sessionId} />
      <Facts session={session} />
    </div>
  );
}

/** Why it waits, or what it ended with. */
function Standing({ session }: { session: Session }) {
  const { t } = useLocale();
  const summary = useSummary(session.session_id);
  const { status, waiting_for: waitingFor, queue, error } = session;
  return (
    <section className="flex flex-col gap-1.5">
      <div>
        <SessionStateBadge state={summary?.state ?? stateOf(session)} status={summary?.status ?? status} />
      </div>
      {waitingFor !== null && <p className="text-[13px]">{t(`panel.overview.waitingFor.${waitingFor}`)}</p>}
      {queue !== null && (
        <p className="text-[13px] text-muted">
          {t('panel.overview.queued', { position: queue.position })} {queue.message}
        </p>
      )}
      {error !== null && <p className="whitespace-pre-wrap text-[13px] text-danger">{error}</p>}
    </section>
  );
}

/** Until the stream, which knows what this key has read, has told. */
function stateOf({ status, waiting_for: waitingFor }: Session): SessionSummary['state'] {
  if (status !== 'running' && status !== 'pending') return 'idle';
  return waitingFor === 'approval' || waitingFor === 'question' ? 'needs_you' : 'working';
}

function Budget({ session }: { session: Session }) {
  const { t, locale } = useLocale();
  const { max_budget_usd: budget } = session;
  // The stream counts what runs now as it comes.
  const cost = Math.max(session.cost_usd, useSummary(session.session_id)?.cost_usd ?? 0);
  const spent = formatCost(cost, locale);
  return (
    <Meter
      label={t('panel.overview.cost')}
      text={
        budget === null ? spent : t('panel.overview.of', { part: spent, whole: formatCost(budget, locale) })
      }
      part={budget === null ? null : cost / budget}
      note={t(session.status === 'running' ? 'panel.overview.soFar' : 'panel.overview.estimate')}
    />
  );
}

function Facts({ session }: { session: Session }) {
  const { t, locale } = useLocale();
  const { usage, options, metadata } = session;
  const model = useSummary(session.session_id)?.model;
  const tokens =
    (usage.input_tokens ?? 0) +
    (usage.cache_read_input_tokens ?? 0) +
    (usage.cache_creation_input_tokens ?? 0);
  const text = (value: unknown): ReactNode => (typeof value === 'string' ? <SafeText text={value} /> : null);
  const facts: [string, ReactNode][] = [
    [t('panel.overview.model'), text(options.model ?? model) ?? t('panel.overview.default')],
    [t('panel.overview.mode'), text(options.permission_mode) ?? 'default'],
    [t('panel.overview.cwd'), text(session.cwd) ?? t('panel.overview.ownWorkspace')],
    [t('panel.overview.isolation'), session.isolation ?? t('panel.overview.notStarted')],
    [t('panel.overview.turns'), session.turns_omitted + session.turns.length],
    [
      t('panel.overview.tokens'),
      t('panel.overview.inAndOut', {
        input: formatCount(tokens, locale),
        output: formatCount(usage.output_tokens ?? 0, locale),
      }),
    ],
    [t('panel.overview.startedBy'), session.api_key_id ?? t('panel.overview.local')],
    [t('panel.overview.created'), formatTime(new Date(session.created_at), locale)],
  ];
  return (
    <dl className="flex flex-col gap-2 text-[13px]">
      {facts.map(([name, value]) => (
        <Fact key={name} name={name}>
          {value}
        </Fact>
      ))}
      {session.parent_id !== null && (
        <Fact name={t('panel.overview.forkOf')}>
          <Link
            to="/sessions/$sessionId"
            params={{ sessionId: session.parent_id }}
            search={session.forked_at === null ? {} : { at: session.forked_at }}
            className="font-mono text-accent underline"
          >
            {session.parent_id.slice(-8)}
          </Link>
        </Fact>
      )}
      {Object.entries(metadata).map(([name, value]) => (
        <Fact key={name} name={<SafeText text={name} />}>
          <SafeText text={value} />
        </Fact>
      ))}
    </dl>
  );
}

function Fact({ name, children }: { name: ReactNode; children: ReactNode }) {
  return (
    <div className="flex items-baseline justify-between gap-4">
      <dt className="max-w-[50%] shrink-0 break-words text-muted">{name}</dt>
      <dd className="min-w-0 break-words text-right">{children}</dd>
    </div>
  );
}
