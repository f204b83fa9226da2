import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { client } from '../api/client.ts';
import { forgetSession } from '../composer/drafts.ts';
import { useLocale } from '../i18n/locale.ts';
import { summaries } from '../live/summaries.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote } from '../ui/error-note.tsx';

export function DeleteDialog({ sessionId, onClose }: { sessionId: string; onClose: () => void }) {
  const { t } = useLocale();
  const navigate = useNavigate();
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => await client.sessions.delete(sessionId),
    onSuccess: async () => {
      onClose();
      forgetSession(sessionId);
      summaries.set(sessionId, undefined);
      await navigate({ to: '/sessions' });
    },
  });
  return (
    <Dialog isOpen onClose={onClose} title={t('acts.delete.title')} description={t('acts.delete.says')}>
      <div className="flex flex-col gap-4">
        {error !== null && <ErrorNote error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button kind="danger" disabled={isPending} onClick={() => mutate()}>
            {t('common.delete')}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
