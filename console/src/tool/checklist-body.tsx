import { Circle, CircleCheck, CircleDot, CircleX } from 'lucide-react';
import { boundLine } from '../content/bounds.ts';
import { SafeText } from '../content/safe-text.tsx';
import { Stepwise } from '../content/stepwise.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { cn } from '../ui/class-names.ts';
import { FailureText } from './body-parts.tsx';
import { readChecklist, type Step, type StepState } from './checklist.ts';

const STEPS_AT_ONCE = 100;

export function ChecklistBody({ call }: { call: ToolCall }) {
  return (
    <>
      <FailureText call={call} />
      <Checklist steps={readChecklist(call)} />
    </>
  );
}

/** What is to be done and how far it is; also for plans elsewhere. */
export function Checklist({ steps }: { steps: readonly Step[] }) {
  const { t } = useLocale();
  if (steps.length === 0) return <p className="px-3 py-2 text-muted text-xs">{t('common.none')}</p>;
  return (
    <Stepwise entries={steps} atOnce={STEPS_AT_ONCE}>
      {(shown) => (
        <ul className="space-y-1 px-3 py-2 text-[13px]">
          {shown.map((step, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: Ids are the agent's, and may come twice.
            <StepRow key={index} step={step} />
          ))}
        </ul>
      )}
    </Stepwise>
  );
}

const icons = { pending: Circle, in_progress: CircleDot, completed: CircleCheck, deleted: CircleX } as const;
const looks: Record<StepState, string> = {
  pending: 'text-muted',
  in_progress: 'text-working',
  completed: 'text-done',
  deleted: 'text-muted',
};

function StepRow({ step: { text, state } }: { step: Step }) {
  const { t } = useLocale();
  const Icon = icons[state];
  const isOver = state === 'completed' || state === 'deleted';
  return (
    <li className="flex items-start gap-2">
      <Icon aria-hidden className={cn('mt-0.5 size-4 shrink-0', looks[state])} />
      <span className={cn('min-w-0', isOver && 'text-muted', state === 'deleted' && 'line-through')}>
        <span className="sr-only">{t(`tool.progress.${state}`)}: </span>
        <SafeText text={boundLine(text)} />
      </span>
    </li>
  );
}
