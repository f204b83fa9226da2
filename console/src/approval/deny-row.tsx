import { X } from 'lucide-react';
import { useId } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Checkbox } from '../ui/checkbox.tsx';
import { Keys } from '../ui/keys.tsx';
import { TextField } from '../ui/text-field.tsx';
import { ActButton, canAnswer } from './act-button.tsx';
import type { Answer } from './answer.ts';
import type { CardProps } from './card-props.ts';
import { changeDraft, type Draft, useDraft } from './draft.ts';

export type DenyRowProps = CardProps & {
  /** What denying is called here, where it is called otherwise, and what is asked for with it. */
  label?: string;
  placeholder?: string;
};

/** No, and why: the model reads it. Apart from what allows. */
export function DenyRow({ approval, answering, hasKeys, ...words }: DenyRowProps) {
  const { t } = useLocale();
  const { label = t('approval.deny'), placeholder = t('approval.reason') } = words;
  const draft = useDraft(approval.approval_id);
  const id = useId();
  const deny = (): void => answering.send(denial(draft));
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-2 border-t pt-3 coarse:mt-2 coarse:pt-4">
      <ActButton kind="danger" answering={answering} onAct={deny} className="coarse:w-full">
        <X aria-hidden />
        {label}
        {hasKeys && <Keys>N</Keys>}
      </ActButton>
      <TextField
        aria-label={placeholder}
        placeholder={placeholder}
        value={draft.reason}
        maxLength={10_000}
        className="min-w-48 flex-1 coarse:basis-full"
        onChange={(event) => changeDraft(approval, { reason: event.target.value })}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.nativeEvent.isComposing || event.repeat) return;
          event.preventDefault();
          if (draft.reason.trim() !== '' && canAnswer(answering)) deny();
        }}
      />
      <span className="flex items-center gap-2 coarse:min-h-11">
        <Checkbox
          id={id}
          checked={draft.endsTurn}
          onCheckedChange={(endsTurn) => changeDraft(approval, { endsTurn })}
        />
        <label htmlFor={id} className="text-muted text-xs">
          {t('approval.endTurn')}
        </label>
      </span>
    </div>
  );
}

export function denial({ reason, endsTurn }: Draft): Answer {
  const message = reason.trim();
  return { act: 'deny', ...(message !== '' && { message }), ...(endsTurn && { interrupt: true }) };
}
