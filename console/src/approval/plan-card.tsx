import { Check, FilePen } from 'lucide-react';
import { Markdown } from '../content/markdown.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Keys } from '../ui/keys.tsx';
import { ActButton } from './act-button.tsx';
import type { CardProps } from './card-props.ts';
import { DenyRow } from './deny-row.tsx';

/** May it begin with its plan. */
export function PlanCard({ approval, answering, hasKeys }: CardProps) {
  const { t } = useLocale();
  const plan = approval.plan ?? '';
  return (
    <>
      <section
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keyboard.
        tabIndex={0}
        aria-label={t('approval.plan')}
        className="max-h-[50dvh] overflow-auto rounded-md border bg-panel px-4 py-3"
      >
        {plan.trim() === '' ? (
          <p className="text-muted">{t('approval.emptyPlan')}</p>
        ) : (
          <Markdown text={plan} isStreaming={false} />
        )}
      </section>
      <div className="flex flex-wrap gap-3">
        <ActButton
          kind="primary"
          answering={answering}
          onAct={() => answering.send({ act: 'allow' })}
          className="coarse:w-full"
        >
          <Check aria-hidden />
          {t('approval.accept')}
          {hasKeys && <Keys>Y</Keys>}
        </ActButton>
        <ActButton
          answering={answering}
          onAct={() => answering.send({ act: 'allow', permission_mode: 'acceptEdits' })}
          className="coarse:w-full"
        >
          <FilePen aria-hidden />
          {t('approval.acceptEdits')}
        </ActButton>
      </div>
      <p className="text-muted text-xs">{t('approval.acceptHint')}</p>
      <DenyRow
        approval={approval}
        answering={answering}
        hasKeys={hasKeys}
        label={t('approval.sendBack')}
        placeholder={t('approval.comments')}
      />
    </>
  );
}
