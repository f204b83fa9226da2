import type { Preset } from '@greenroom/client';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Bookmark, Save, Trash2, X } from 'lucide-react';
import { useState } from 'react';
import { client } from '../api/client.ts';
import { markInvisible } from '../content/invisible.ts';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ErrorNote } from '../ui/error-note.tsx';
import { Field } from '../ui/field.tsx';
import { Menu, MenuItem, MenuSeparator } from '../ui/menu.tsx';
import { TextField } from '../ui/text-field.tsx';
import { type Draft, withField } from './draft.ts';

export type PresetsProps = {
  draft: Draft;
  /** The draft that is now; its masked values are filled from `preset_id` by the server. */
  onUse: (draft: Draft) => void;
};

/** Bodies that were kept in the server, for all who share it. */
export function Presets({ draft, onUse }: PresetsProps) {
  const { t } = useLocale();
  const [asked, setAsked] = useState<'save' | Preset | null>(null);
  const { data: presets = [], error, refetch } = usePresets();
  return (
    <>
      <Menu
        trigger={
          <Button>
            <Bookmark aria-hidden />
            {t('new.presets.title')}
          </Button>
        }
      >
        {error !== null && <MenuItem onSelect={() => void refetch()}>{t('new.presets.unread')}</MenuItem>}
        {presets.length === 0 && error === null && (
          <p className="px-2.5 py-1.5 text-[13px] text-muted">{t('new.presets.none')}</p>
        )}
        {presets.map((preset) => (
          <MenuItem key={preset.preset_id} onSelect={() => onUse(toDraft(preset))}>
            <bdi className="max-w-72 truncate">{markInvisible(preset.name)}</bdi>
          </MenuItem>
        ))}
        <MenuSeparator />
        <MenuItem icon={<Save aria-hidden />} onSelect={() => setAsked('save')}>
          {t('new.presets.save')}
        </MenuItem>
        {presets.map((preset) => (
          <MenuItem
            key={preset.preset_id}
            isDangerous
            icon={<Trash2 aria-hidden />}
            onSelect={() => setAsked(preset)}
          >
            <span className="max-w-72 truncate">
              {t('new.presets.delete', { name: markInvisible(preset.name) })}
            </span>
          </MenuItem>
        ))}
      </Menu>
      <SavePreset isOpen={asked === 'save'} draft={draft} presets={presets} onClose={() => setAsked(null)} />
      <DeletePreset preset={typeof asked === 'object' ? asked : null} onClose={() => setAsked(null)} />
    </>
  );
}

/** Which preset the masked values come from. Without it they cannot be filled in. */
export function PresetNote({ draft, onChange }: { draft: Draft; onChange: (draft: Draft) => void }) {
  const { t } = useLocale();
  const { data: presets = [] } = usePresets();
  const presetId = draft.preset_id;
  if (typeof presetId !== 'string') return null;
  const name = presets.find((preset) => preset.preset_id === presetId)?.name ?? presetId;
  return (
    <div className="flex items-center gap-2 rounded-lg border bg-raised px-3 py-1.5 text-[13px]">
      <Bookmark aria-hidden className="size-4 shrink-0 text-muted" />
      <p className="min-w-0 flex-1">
        <bdi className="font-medium">{name}</bdi>{' '}
        <span className="text-muted text-xs">{t('new.presets.masked')}</span>
      </p>
      <Button
        kind="quiet"
        size="iconSmall"
        aria-label={t('new.presets.leave')}
        onClick={() => onChange(withField(draft, 'preset_id', undefined))}
      >
        <X aria-hidden />
      </Button>
    </div>
  );
}

function toDraft({ preset_id, options }: Preset): Draft {
  return { ...(options as Draft), preset_id };
}

function usePresets() {
  return useQuery({
    queryKey: ['presets'],
    queryFn: async ({ signal }) => await client.presets.list({ signal }),
  });
}

type SaveProps = { isOpen: boolean; draft: Draft; presets: readonly Preset[]; onClose: () => void };

/** A name that there is already is that preset, changed. */
function SavePreset({ isOpen, draft, presets, onClose }: SaveProps) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const [name, setName] = useState('');
  const existing = presets.find((preset) => preset.name === name.trim());
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      const { preset_id: _, ...options } = draft;
      if (existing === undefined) return await client.presets.create({ name: name.trim(), options });
      return await client.presets.update(existing.preset_id, { options });
    },
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['presets'] });
      onClose();
    },
  });
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title={t('new.presets.save')}
      description={t('new.presets.shared')}
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          mutate();
        }}
      >
        <Field label={t('new.presets.name')}>
          {(control) => (
            <TextField
              {...control}
              value={name}
              maxLength={100}
              onChange={({ target }) => setName(target.value)}
            />
          )}
        </Field>
        {error !== null && <ErrorNote error={error} />}
        <Button type="submit" kind="primary" className="self-end" disabled={isPending || name.trim() === ''}>
          {existing === undefined ? t('common.save') : t('new.presets.replace')}
        </Button>
      </form>
    </Dialog>
  );
}

function DeletePreset({ preset, onClose }: { preset: Preset | null; onClose: () => void }) {
  const { t } = useLocale();
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation({
    mutationFn: async (presetId: string) => await client.presets.delete(presetId),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: ['presets'] });
      onClose();
    },
  });
  return (
    <Dialog
      isOpen={preset !== null}
      onClose={onClose}
      title={t('new.presets.delete', { name: markInvisible(preset?.name ?? '') })}
      description={t('new.presets.deleteForAll')}
    >
      {error !== null && <ErrorNote error={error} />}
      <div className="flex justify-end gap-3">
        <Button onClick={onClose}>{t('common.cancel')}</Button>
        <Button
          kind="danger"
          disabled={isPending}
          onClick={() => preset !== null && mutate(preset.preset_id)}
        >
          {t('common.delete')}
        </Button>
      </div>
    </Dialog>
  );
}
