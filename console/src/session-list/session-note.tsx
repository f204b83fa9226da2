import type { SessionSummary } from '@greenroom/client';
import { Link } from '@tanstack/react-router';
import { markInvisible } from '../content/invisible.ts';
import { type Translate, useLocale } from '../i18n/locale.ts';
import { shortId } from '../live/session-title.ts';
import { cn } from '../ui/class-names.ts';
import { writeLabel } from './label.ts';

type SessionNoteProps = { summary: SessionSummary; isLeft: boolean; isGone: boolean };

const MAX_LABELS = 2;

/** The second line: what the agent does now, or why it does not; else the id. And the labels. */
export function SessionNote({ summary, isLeft, isGone }: SessionNoteProps) {
  const { t } = useLocale();
  const { text, isCode } = isGone
    ? { text: t('sessions.gone'), isCode: false }
    : isLeft
      ? { text: t('sessions.left'), isCode: false }
      : noteOf(summary, t);
  return (
    <span className="flex min-w-0 items-center gap-2 text-muted text-xs">
      <bdi className={cn('truncate', isCode && 'font-mono text-[11.5px]')}>{text}</bdi>
      <Labels metadata={summary.metadata} />
    </span>
  );
}

function noteOf(summary: SessionSummary, t: Translate): { text: string; isCode: boolean } {
  const { state, status, activity, error, pending_approvals, waiting_for, session_id } = summary;
  const words = (text: string) => ({ text, isCode: false });
  if (state === 'needs_you') return words(t('sessions.asks', { count: Math.max(1, pending_approvals) }));
  if (status === 'pending') return words(t('sessions.waitsForWorker'));
  if (status === 'running') {
    if (waiting_for === 'tool') return words(t('sessions.waitsForTool'));
    if (activity === null) return words(t('sessions.starting'));
    if (activity.tool === null) return words(activity.text);
    return { text: markInvisible(`${activity.tool} ${activity.text}`.trim()), isCode: true };
  }
  if (status === 'error' && error !== null) return words(error);
  return { text: shortId(session_id), isCode: true };
}

function Labels({ metadata }: { metadata: SessionSummary['metadata'] }) {
  const { t } = useLocale();
  const all = Object.entries(metadata);
  if (all.length === 0) return null;
  return (
    <span className="flex shrink-0 gap-1">
      {all.slice(0, MAX_LABELS).map(([key, value]) => {
        const label = writeLabel({ key, value });
        return (
          <Link
            key={key}
            to="/sessions"
            search={(now) => ({ ...now, label })}
            aria-label={t('sessions.withLabel', { label })}
            activeProps={{ 'aria-current': undefined }}
            // A thumb hits more than what is seen of it.
            className="group/label relative z-10 inline-flex min-w-0 items-center justify-center coarse:-my-3 coarse:h-11 coarse:min-w-11"
          >
            <bdi className="max-w-36 truncate rounded border bg-ground px-1.5 text-[11px] text-muted leading-4.5 group-hover/label:bg-hover group-hover/label:text-ink">
              {markInvisible(`${key}:${value}`)}
            </bdi>
          </Link>
        );
      })}
      {all.length > MAX_LABELS && (
        <span className="leading-4.5">
          <span aria-hidden>+{all.length - MAX_LABELS}</span>
          <span className="sr-only">{t('sessions.moreLabels', { count: all.length - MAX_LABELS })}</span>
        </span>
      )}
    </span>
  );
}
