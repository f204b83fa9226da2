import { Check, Pencil, ShieldCheck } from 'lucide-react';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Keys } from '../ui/keys.tsx';
import { ActButton, canAnswer } from './act-button.tsx';
import { CallView } from './call-view.tsx';
import type { CardProps } from './card-props.ts';
import { DenyRow } from './deny-row.tsx';
import { changeDraft, useDraft } from './draft.ts';
import { InputEditor } from './input-editor.tsx';
import { ModelWords } from './model-words.tsx';
import { SessionRules } from './session-rules.tsx';
import { readToolCall } from './tool-call.ts';
import { WorkingDirectory } from './working-directory.tsx';

/** May it make this call: once, from now on, in another form, or not at all. */
export function PermissionCard({ approval, answering, hasKeys }: CardProps) {
  const { form } = useDraft(approval.approval_id);
  const close = (): void => changeDraft(approval, { form: 'none', rules: null, input: null });
  return (
    <>
      <CallView approval={approval} />
      {approval.tool_name === 'Bash' && <WorkingDirectory sessionId={approval.session_id} />}
      <ModelWords texts={readToolCall(approval).says} />
      {form === 'none' && <AllowRow approval={approval} answering={answering} hasKeys={hasKeys} />}
      {form === 'session' && <SessionRules approval={approval} answering={answering} onCancel={close} />}
      {form === 'input' && <InputEditor approval={approval} answering={answering} onCancel={close} />}
      <DenyRow approval={approval} answering={answering} hasKeys={hasKeys} />
    </>
  );
}

function AllowRow({ approval, answering, hasKeys }: CardProps) {
  const { t } = useLocale();
  const isFree = canAnswer(answering);
  return (
    <div className="flex flex-wrap gap-3">
      <ActButton
        kind="primary"
        answering={answering}
        onAct={() => answering.send({ act: 'allow' })}
        className="coarse:w-full"
      >
        <Check aria-hidden />
        {t('approval.allowOnce')}
        {hasKeys && <Keys>Y</Keys>}
      </ActButton>
      <Button disabled={!isFree} onClick={() => changeDraft(approval, { form: 'session' })}>
        <ShieldCheck aria-hidden />
        {t('approval.thisSession')}
      </Button>
      <Button disabled={!isFree} onClick={() => changeDraft(approval, { form: 'input' })}>
        <Pencil aria-hidden />
        {t('approval.editFirst')}
      </Button>
    </div>
  );
}
