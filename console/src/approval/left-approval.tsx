import { useEffect } from 'react';
import { useMe } from '../api/use-me.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';
import { isOwnAnswer } from './answer.ts';
import { DecidedApproval } from './decided-approval.tsx';
import { forgetDraft, useDraft, wordsOf } from './draft.ts';
import { useApproval } from './use-approvals.ts';

/** It was decided elsewhere, or expired, while somebody was writing here: what came of it, and their words. */
export function LeftApproval({ id, onDismiss }: { id: string; onDismiss: () => void }) {
  const { t } = useLocale();
  const draft = useDraft(id);
  const words = wordsOf(draft);
  const { data: approval, error } = useApproval(id);
  const { data: me } = useMe();
  const dismiss = (): void => {
    forgetDraft(id);
    onDismiss();
  };
  // The stream may tell of one's own answer before the server has confirmed it.
  const isOwn =
    approval !== undefined && draft.unsent !== null && isOwnAnswer(approval, draft.unsent, me?.name);
  const isNothing = words === '' || isOwn;
  useEffect(() => {
    if (isNothing) dismiss();
  });
  if (isNothing || (approval === undefined && error === null)) return null;
  return (
    <div role="alert" className="flex flex-col gap-2 rounded-lg border bg-panel p-3">
      {approval !== undefined && <DecidedApproval approval={approval} />}
      <p className="text-muted text-xs">{t('approval.yourWords')}</p>
      <p className="max-h-32 overflow-auto whitespace-pre-wrap rounded-md border bg-raised px-3 py-2 text-[13px]">
        {words}
      </p>
      <div className="flex gap-3">
        <CopyButton text={words} label={t('common.copy')} />
        <Button size="small" onClick={dismiss}>
          {t('approval.dismiss')}
        </Button>
      </div>
    </div>
  );
}
