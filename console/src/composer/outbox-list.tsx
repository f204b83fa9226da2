import { Check, CircleAlert, Pencil, Trash2 } from 'lucide-react';
import { useEffect } from 'react';
import { reasonOf } from '../api/describe-error.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { useSessionLog } from '../log/use-session-log.ts';
import { Button } from '../ui/button.tsx';
import { Spinner } from '../ui/spinner.tsx';
import { useKeyed } from '../util/keyed-store.ts';
import { useStore } from '../util/store.ts';
import { useStored } from '../util/stored.ts';
import { type Outgoing, outgoing } from './drafts.ts';
import { LostImageError, type SendState } from './outbox.ts';
import { outbox, takeIntoDraft, throwAway } from './send.ts';

/** What is on its way, what did not get there, and what the log does not show yet. */
export function OutboxList({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const messages = useStored(outgoing, sessionId);
  const sent = useSent(sessionId);
  if (messages.length === 0 && sent.length === 0) return null;
  return (
    <ul aria-label={t('composer.outbox.label')} className="flex flex-col gap-1.5">
      {sent.map(({ message }) => (
        <li key={message.key} className="flex items-center gap-2 px-2 text-[13px] text-muted">
          <Check aria-hidden className="size-4 shrink-0 text-done" />
          <span className="shrink-0">{t('composer.outbox.sent')}</span>
          <bdi className="truncate">{firstLine(message.text)}</bdi>
        </li>
      ))}
      {messages.map((message) => (
        <OutgoingRow key={message.key} sessionId={sessionId} message={message} />
      ))}
    </ul>
  );
}

/** Until the log has it: the stream may be slower than the answer, or away. */
function useSent(sessionId: string) {
  const log = useSessionLog(sessionId);
  const newest = useStore(log.newest);
  const sent = useKeyed(outbox.sent, sessionId);
  useEffect(() => {
    if (sent === undefined || newest === 0) return;
    const recent = log.transcript.events.slice(-500).filter(({ kind }) => kind === 'prompt');
    outbox.forgetSent(sessionId, new Set(recent.flatMap(({ turn_id: id }) => id ?? [])));
  }, [sent, newest, log, sessionId]);
  return sent ?? [];
}

function OutgoingRow({ sessionId, message }: { sessionId: string; message: Outgoing }) {
  const state = useKeyed(outbox.states, message.key) ?? { name: 'waiting' as const };
  const hasFailed = state.name === 'unsent' || state.name === 'refused';
  return (
    <li
      className={
        hasFailed
          ? 'flex flex-col gap-2 rounded-lg border border-danger-line bg-danger-soft px-3 py-2 text-[13px]'
          : 'flex items-center gap-2 px-2 text-[13px] text-muted'
      }
    >
      {hasFailed ? <Failure state={state} /> : <SendingIcon state={state} />}
      <span
        dir="auto"
        className={
          hasFailed ? 'max-h-40 overflow-y-auto whitespace-pre-wrap break-words' : 'min-w-0 flex-1 truncate'
        }
      >
        {hasFailed ? message.text : firstLine(message.text)}
      </span>
      {state.name !== 'sending' && (
        <Acts
          sessionId={sessionId}
          message={message}
          isLost={hasFailed && state.error instanceof LostImageError}
        />
      )}
    </li>
  );
}

function SendingIcon({ state }: { state: SendState }) {
  const { t } = useLocale();
  if (state.name === 'sending') return <Spinner label={t('composer.outbox.sending')} />;
  return <span className="shrink-0">{t('composer.outbox.waiting')}</span>;
}

function Failure({ state }: { state: Extract<SendState, { error: unknown }> }) {
  const { t } = useLocale();
  const { error } = state;
  const says =
    error instanceof LostImageError
      ? t('composer.outbox.lostImage', { name: error.message })
      : reasonOf(error);
  return (
    <div role="alert" className="flex items-start gap-2">
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
      <span className="min-w-0">
        <span className="block font-medium">{t(`composer.outbox.${state.name}`)}</span>
        <SafeText text={says} />
      </span>
    </div>
  );
}

function Acts({ sessionId, message, isLost }: { sessionId: string; message: Outgoing; isLost: boolean }) {
  const { t } = useLocale();
  return (
    <span className="flex shrink-0 flex-wrap gap-1.5">
      {!isLost && (
        <Button size="small" onClick={() => void outbox.retry(sessionId, message.key)}>
          {t('common.retry')}
        </Button>
      )}
      <Button size="small" onClick={() => takeIntoDraft(sessionId, message.key)}>
        <Pencil aria-hidden />
        {t('composer.outbox.edit')}
      </Button>
      <Button kind="quiet" size="small" onClick={() => throwAway(sessionId, message.key)}>
        <Trash2 aria-hidden />
        {t('composer.outbox.discard')}
      </Button>
    </span>
  );
}

/** For one line. */
export function firstLine(text: string): string {
  return text.trim().slice(0, 300).replace(/\s+/g, ' ');
}
