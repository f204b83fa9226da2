import { CloudOff } from 'lucide-react';
import { reasonOf } from '../api/describe-error.ts';
import { useLocale } from '../i18n/locale.ts';
import type { WordKey } from '../i18n/words.ts';
import { Button } from '../ui/button.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Spinner } from '../ui/spinner.tsx';
import type { Answer } from './answer.ts';
import type { Answering } from './use-answer.ts';

const acts: Record<Answer['act'], WordKey> = {
  allow: 'approval.act.allow',
  allowForSession: 'approval.act.allowForSession',
  deny: 'approval.act.deny',
  answer: 'approval.act.answer',
  result: 'approval.act.result',
};

/** How the answer of a card stands: on its way, not confirmed, refused, or not one's to give. */
export function AnswerNote({ answering }: { answering: Answering }) {
  const { t } = useLocale();
  const { may, isSending, unsent, error } = answering;
  if (!may.allowed) return <p className="text-muted text-xs">{may.reason ?? t('approval.mayNot')}</p>;
  if (isSending) return <Spinner label={t('approval.sending')} />;
  if (unsent !== null) return <UnsentNote answering={answering} answer={unsent} />;
  return error === null ? null : <ErrorNote error={error} />;
}

function UnsentNote({ answering, answer }: { answering: Answering; answer: Answer }) {
  const { t } = useLocale();
  return (
    <div
      role="alert"
      className="flex flex-col gap-2 rounded-lg border border-danger-line bg-danger-soft px-3 py-2.5 text-[13px]"
    >
      <p className="flex items-start gap-2">
        <CloudOff aria-hidden className="mt-0.5 size-4 shrink-0 text-danger" />
        <span>
          <span className="font-medium">{t('approval.unsent', { act: t(acts[answer.act]) })}</span>{' '}
          <span className="text-muted">{t('approval.unsentHint')}</span>
        </span>
      </p>
      {answering.error !== null && <p className="text-muted text-xs">{reasonOf(answering.error)}</p>}
      <div className="flex flex-wrap gap-4">
        <Button size="small" onClick={answering.retry}>
          {t('approval.sendAgain')}
        </Button>
        <Button size="small" kind="quiet" disabled={answering.isChecking} onClick={answering.takeBack}>
          {t('approval.takeBack')}
        </Button>
      </div>
    </div>
  );
}
