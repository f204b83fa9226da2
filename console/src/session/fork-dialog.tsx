import type { Fork } from '@greenroom/client';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type FormEvent, useState } from 'react';
import { client } from '../api/client.ts';
import { useSession } from '../api/use-session.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Field } from '../ui/field.tsx';
import { TextArea, TextField } from '../ui/text-field.tsx';
import { randomKey } from '../util/random-key.ts';

export type ForkDialogProps = {
  sessionId: string;
  at: number | null;
  prompt: string;
  onClose: () => void;
};

/** A new session that begins with the history of this one. */
export function ForkDialog({ sessionId, at, prompt, onClose }: ForkDialogProps) {
  const { t } = useLocale();
  const navigate = useNavigate();
  const [fork, setFork] = useState<Fork | null>(null);
  const open = ({ session_id: id }: Fork): void => {
    onClose();
    void navigate({ to: '/sessions/$sessionId', params: { sessionId: id } });
  };
  const take = (made: Fork): void => {
    if (made.omitted_files.length === 0) open(made);
    else setFork(made);
  };
  return (
    <Dialog isOpen onClose={onClose} title={t('acts.fork.title')} description={t('acts.fork.says')}>
      {fork === null ? (
        <ForkForm sessionId={sessionId} at={at} prompt={prompt} onClose={onClose} onForked={take} />
      ) : (
        <OmittedFiles fork={fork} onOpen={() => open(fork)} />
      )}
    </Dialog>
  );
}

type ForkFormProps = ForkDialogProps & { onForked: (fork: Fork) => void };
type ForkFields = { at: string; title: string; prompt: string };

function ForkForm({ sessionId, at, prompt, onClose, onForked }: ForkFormProps) {
  const { t } = useLocale();
  const { data: session } = useSession(sessionId);
  const [fields, setFields] = useState<ForkFields>({ at: at === null ? '' : `${at}`, title: '', prompt });
  const { mutate, isPending, error } = useFork(sessionId, fields, onForked);
  const set = (change: Partial<ForkFields>): void => setFields((before) => ({ ...before, ...change }));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isPending) mutate();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Field label={t('acts.fork.at')} hint={t('acts.fork.atHint')}>
        {(control) => (
          <TextField
            {...control}
            type="number"
            min={1}
            max={session?.last_seq}
            placeholder={session === undefined ? '' : `${session.last_seq}`}
            value={fields.at}
            onChange={({ target }) => set({ at: target.value })}
          />
        )}
      </Field>
      <Field label={t('acts.fork.name')} hint={t('acts.fork.nameHint')}>
        {(control) => (
          <TextField
            {...control}
            dir="auto"
            maxLength={200}
            placeholder={session?.title ?? ''}
            value={fields.title}
            onChange={({ target }) => set({ title: target.value })}
          />
        )}
      </Field>
      <Field label={t('acts.fork.prompt')} hint={t('acts.fork.promptHint')}>
        {(control) => (
          <TextArea
            {...control}
            dir="auto"
            value={fields.prompt}
            onChange={({ target }) => set({ prompt: target.value })}
          />
        )}
      </Field>
      {error !== null && <ErrorNote error={error} />}
      <div className="flex justify-end gap-2">
        <Button onClick={onClose}>{t('common.cancel')}</Button>
        <Button kind="primary" type="submit" disabled={isPending}>
          {t('acts.fork.do')}
        </Button>
      </div>
    </form>
  );
}

/** The same fork asked for twice is made once; with other words it is another one. */
function useFork(sessionId: string, { at, title, prompt }: ForkFields, onForked: (fork: Fork) => void) {
  const request = {
    ...(at !== '' && { at: Number(at) }),
    ...(title.trim() !== '' && { title: title.trim() }),
    ...(prompt.trim() !== '' && { prompt }),
  };
  const body = JSON.stringify(request);
  const [sent, setSent] = useState({ body: '', key: '' });
  return useMutation({
    mutationFn: async () => {
      const idempotencyKey = sent.body === body ? sent.key : randomKey();
      setSent({ body, key: idempotencyKey });
      return await client.sessions.fork(sessionId, request, { idempotencyKey });
    },
    onSuccess: onForked,
  });
}

function OmittedFiles({ fork, onOpen }: { fork: Fork; onOpen: () => void }) {
  const { t } = useLocale();
  return (
    <div className="flex flex-col gap-3 text-[13px]">
      <p>{t('acts.fork.omitted', { count: fork.omitted_files.length })}</p>
      <ul className="max-h-60 overflow-y-auto rounded-md border bg-raised px-3 py-2 font-mono text-xs">
        {fork.omitted_files.map((path) => (
          <li key={path}>
            <SafeText text={path} />
          </li>
        ))}
      </ul>
      <Button kind="primary" className="self-end" onClick={onOpen}>
        {t('acts.fork.open')}
      </Button>
    </div>
  );
}
