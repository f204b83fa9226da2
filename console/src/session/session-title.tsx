import { useMutation } from '@tanstack/react-query';
import { Pencil } from 'lucide-react';
import { type FormEvent, type KeyboardEvent, useState } from 'react';
import { client } from '../api/client.ts';
import { queryClient } from '../api/query-client.ts';
import { sayFailure } from '../composer/send.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from '../ui/text-field.tsx';

export type SessionTitleProps = {
  sessionId: string;
  /** What it is called: its own title, or how it began. */
  title: string | null;
  own: string | null;
  isRenaming: boolean;
  onRename: (isRenaming: boolean) => void;
};

/** Renamed in its place. */
export function SessionTitle({ sessionId, title, own, isRenaming, onRename }: SessionTitleProps) {
  const { t } = useLocale();
  if (isRenaming) return <TitleForm sessionId={sessionId} own={own} onClose={() => onRename(false)} />;
  return (
    <span className="group/title flex min-w-0 flex-1 items-center gap-1">
      <h1 className="truncate font-semibold" title={title ?? undefined}>
        <bdi>{title ?? t('session.title')}</bdi>
      </h1>
      <Button
        kind="quiet"
        size="iconSmall"
        className="opacity-0 focus-visible:opacity-100 group-hover/title:opacity-100 max-sm:hidden"
        aria-label={t('sessions.rename')}
        onClick={() => onRename(true)}
      >
        <Pencil aria-hidden />
      </Button>
    </span>
  );
}

type TitleFormProps = { sessionId: string; own: string | null; onClose: () => void };

function TitleForm({ sessionId, own, onClose }: TitleFormProps) {
  const { t } = useLocale();
  const [text, setText] = useState(own ?? '');
  const { mutate, isPending } = useMutation({
    mutationFn: async () => {
      const title = text.trim() === '' ? null : text.trim();
      return await client.sessions.update(sessionId, { title });
    },
    onSuccess: (session) => {
      queryClient.setQueryData(['session', sessionId], session);
      onClose();
    },
    onError: (error) => sayFailure('acts.renameFailed', error),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    mutate();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || event.nativeEvent.isComposing) return;
    event.preventDefault();
    onClose();
  };
  return (
    <form onSubmit={submit} className="flex min-w-0 flex-1 items-center gap-1.5">
      <TextField
        autoFocus
        dir="auto"
        maxLength={200}
        aria-label={t('sessions.rename')}
        value={text}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={press}
      />
      <Button kind="primary" size="small" type="submit" disabled={isPending}>
        {t('common.save')}
      </Button>
      <Button kind="quiet" size="small" onClick={onClose}>
        {t('common.cancel')}
      </Button>
    </form>
  );
}
