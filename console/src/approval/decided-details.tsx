import type { Approval } from '@greenroom/client';
import { lazy, Suspense } from 'react';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { readDetails } from './outcome.ts';

const JsonView = lazy(async () => ({ default: (await import('../content/json.tsx')).JsonView }));

/** The answer itself: its reason, its rules, the input that was used instead, the answers to questions. */
export function DecidedDetails({ approval }: { approval: Approval }) {
  const { t } = useLocale();
  const { message, hasEndedTurn, rules, input, answers, result, permissionMode } = readDetails(approval);
  return (
    <dl className="flex flex-col gap-2 py-2 pl-7 text-[13px] [&_dt]:text-muted [&_dt]:text-xs">
      {message !== null && <Texts term={t('approval.detail.reason')} texts={[message]} />}
      {hasEndedTurn && <Texts term={t('approval.detail.turn')} texts={[t('approval.detail.endedTurn')]} />}
      {rules.length > 0 && <Texts term={t('approval.detail.rules')} texts={rules} isCode />}
      {permissionMode !== null && <Texts term={t('approval.detail.mode')} texts={[permissionMode]} isCode />}
      {answers.map(([question, texts]) => (
        <Texts key={question} term={<SafeText text={question} />} texts={texts} />
      ))}
      {result !== null && <Texts term={t('approval.detail.result')} texts={[result]} />}
      {input !== null && (
        <div>
          <dt>{t('approval.detail.input')}</dt>
          <dd>
            <Suspense>
              <JsonView value={input} />
            </Suspense>
          </dd>
        </div>
      )}
    </dl>
  );
}

function Texts({
  term,
  texts,
  isCode,
}: {
  term: React.ReactNode;
  texts: readonly string[];
  isCode?: boolean;
}) {
  return (
    <div>
      <dt>{term}</dt>
      {texts.map((text) => (
        <dd key={text} className={isCode ? 'break-all font-mono text-[12.5px]' : 'whitespace-pre-wrap'}>
          <SafeText text={text} />
        </dd>
      ))}
    </div>
  );
}
