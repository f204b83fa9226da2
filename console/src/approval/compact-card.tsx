import type { Approval } from '@greenroom/client';
import { Link } from '@tanstack/react-router';
import { Check, ChevronDown, ChevronUp, CircleAlert, X } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { markInvisible } from '../content/invisible.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { titleOf } from '../live/session-title.ts';
import { useSummary } from '../live/summaries.ts';
import { Button } from '../ui/button.tsx';
import { ActButton } from './act-button.tsx';
import { AnswerNote } from './answer-note.tsx';
import { isSimple, readQuestions } from './question.ts';
import { summarize } from './summary.ts';
import { type Answering, useAnswer } from './use-answer.ts';

/** One line of a list: whose session, what is asked, and the plainest answers. */
export function CompactCard({ approval, renderWhole }: { approval: Approval; renderWhole: () => ReactNode }) {
  const { t } = useLocale();
  const [isOpen, setOpen] = useState(false);
  const answering = useAnswer(approval);
  const toggle = (
    <Button
      kind={hasPlainActs(approval) || isOpen ? 'quiet' : 'secondary'}
      aria-expanded={isOpen}
      onClick={() => setOpen(!isOpen)}
    >
      {isOpen ? <ChevronUp aria-hidden /> : <ChevronDown aria-hidden />}
      {t(isOpen ? 'common.showLess' : 'approval.look')}
    </Button>
  );
  return (
    <article className="flex min-w-0 flex-col gap-2 rounded-lg border border-needs-line bg-panel px-3 py-2.5">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <Asked approval={approval} />
        <div className="flex flex-wrap items-center gap-4 coarse:w-full">
          {!isOpen && <PlainActs approval={approval} answering={answering} />}
          {toggle}
        </div>
      </div>
      {isOpen ? renderWhole() : <AnswerNote answering={answering} />}
    </article>
  );
}

function Asked({ approval }: { approval: Approval }) {
  const { t } = useLocale();
  const summary = useSummary(approval.session_id);
  const { asks, values, text, isWhole } = summarize(approval);
  const shown = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      typeof value === 'string' ? markInvisible(value) : value,
    ]),
  );
  const title = (summary && titleOf(summary)) ?? approval.session_id;
  return (
    <div className="flex min-w-56 flex-1 items-start gap-2.5">
      <CircleAlert aria-hidden className="mt-0.5 size-4 shrink-0 text-needs" />
      <div className="min-w-0">
        <Link
          to="/sessions/$sessionId"
          params={{ sessionId: approval.session_id }}
          className="block truncate font-medium text-[13px] hover:underline"
        >
          <bdi>{markInvisible(title.slice(0, 200))}</bdi>
        </Link>
        <p className="text-muted text-xs">
          {t(asks, shown)}{' '}
          <span
            className={
              approval.kind === 'question' || approval.kind === 'plan'
                ? 'text-ink'
                : 'break-all font-mono text-ink [font-variant-ligatures:none]'
            }
          >
            <SafeText text={text} />
          </span>
          {!isWhole && <span className="ml-1.5 whitespace-nowrap text-needs">{t('approval.andMore')}</span>}
        </p>
      </div>
    </div>
  );
}

/** Only what one can judge by the line alone; for the rest the whole card is opened. */
function PlainActs({ approval, answering }: { approval: Approval; answering: Answering }) {
  const { t } = useLocale();
  if (approval.kind === 'question') return <PlainAnswers approval={approval} answering={answering} />;
  if (approval.kind !== 'tool') return null;
  return (
    <>
      {summarize(approval).isWhole && (
        <ActButton kind="primary" answering={answering} onAct={() => answering.send({ act: 'allow' })}>
          <Check aria-hidden />
          {t('approval.allowOnce')}
        </ActButton>
      )}
      <ActButton kind="danger" answering={answering} onAct={() => answering.send({ act: 'deny' })}>
        <X aria-hidden />
        {t('approval.deny')}
      </ActButton>
    </>
  );
}

function hasPlainActs({ kind, input }: Approval): boolean {
  return kind === 'tool' || (kind === 'question' && isSimple(readQuestions(input)));
}

function PlainAnswers({ approval, answering }: { approval: Approval; answering: Answering }) {
  const questions = readQuestions(approval.input);
  const [question] = questions;
  if (question === undefined || !isSimple(questions)) return null;
  return question.options.map(({ label }, place) => (
    <ActButton
      // biome-ignore lint/suspicious/noArrayIndexKey: Options never change, and two may be alike.
      key={place}
      answering={answering}
      className="max-w-64 truncate"
      onAct={() => answering.send({ act: 'answer', answers: Object.fromEntries([[question.text, label]]) })}
    >
      <SafeText text={label} />
    </ActButton>
  ));
}
