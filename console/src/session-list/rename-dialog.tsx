import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { summaries } from '../live/summaries.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Field } from '../ui/field.tsx';
import { TextField } from '../ui/text-field.tsx';
import { rename } from './session-acts.ts';

export function RenameDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useLocale();
  const [summary] = useState(() => summaries.get(id));
  const [title, setTitle] = useState(summary?.title ?? '');
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      if (summary !== undefined) await rename(summary, title.trim() === '' ? null : title.trim());
    },
    onSuccess: onClose,
  });
  const save = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  return (
    <Dialog isOpen onClose={onClose} title={t('sessions.rename')}>
      <form onSubmit={save} className="flex flex-col gap-4">
        <Field label={t('sessions.titleField')} hint={t('sessions.renameHint')}>
          {(control) => (
            <TextField
              {...control}
              value={title}
              maxLength={200}
              placeholder={summary?.prompt ?? ''}
              dir="auto"
              onChange={(event) => setTitle(event.target.value)}
            />
          )}
        </Field>
        {error !== null && <ErrorNote error={error} />}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button kind="primary" type="submit" disabled={isPending}>
            {t('common.save')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
