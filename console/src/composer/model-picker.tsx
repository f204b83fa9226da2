import { Bot, Check } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { useMe } from '../api/use-me.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Popover } from '../ui/popover.tsx';
import { TextField } from '../ui/text-field.tsx';
import { Pill } from './session-settings.tsx';

export type ModelPickerProps = {
  /** Null is the server's default. */
  model: string | null;
  note: string | null;
  onChoose: (model: string | null) => void;
};

/** The models that the server offers, or any other by its name. */
export function ModelPicker({ model, note, onChoose }: ModelPickerProps) {
  const { t } = useLocale();
  const { data: me } = useMe();
  const [isOpen, setOpen] = useState(false);
  const offered = me?.server.models.map(({ name }) => name) ?? [];
  const names = model === null || offered.includes(model) ? offered : [model, ...offered];
  const choose = (name: string | null): void => {
    setOpen(false);
    if (name !== model) onChoose(name);
  };
  return (
    <Popover
      title={t('composer.settings.model')}
      isOpen={isOpen}
      onOpenChange={setOpen}
      trigger={
        <Pill label={t('composer.settings.model')} icon={<Bot aria-hidden />}>
          <bdi>{model?.replace(/^claude-/, '') ?? t('composer.settings.defaultModel')}</bdi>
        </Pill>
      }
    >
      <ul className="-mx-1 flex flex-col">
        {[null, ...names].map((name) => (
          <li key={name ?? ''}>
            <button
              type="button"
              aria-pressed={name === model}
              onClick={() => choose(name)}
              className="flex w-full items-center gap-2 rounded-md px-2 py-1.5 text-left text-[13px] hover:bg-hover coarse:min-h-11"
            >
              <span className="flex size-4 items-center">
                {name === model && <Check aria-hidden className="size-4" />}
              </span>
              <bdi className="truncate">{name ?? t('composer.settings.defaultModel')}</bdi>
            </button>
          </li>
        ))}
      </ul>
      <OtherModel onChoose={choose} />
      {note !== null && <p className="mt-2 text-muted text-xs">{note}</p>}
    </Popover>
  );
}

function OtherModel({ onChoose }: { onChoose: (name: string) => void }) {
  const { t } = useLocale();
  const [name, setName] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (name.trim() !== '') onChoose(name.trim());
  };
  return (
    <form onSubmit={submit} className="mt-2 flex items-end gap-2 border-t pt-2">
      <Field label={t('composer.settings.otherModel')} className="flex-1">
        {(control) => (
          <TextField {...control} value={name} onChange={({ target }) => setName(target.value)} />
        )}
      </Field>
      <Button type="submit" disabled={name.trim() === ''}>
        {t('composer.settings.use')}
      </Button>
    </form>
  );
}
