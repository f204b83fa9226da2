import { type ClipboardEvent, type KeyboardEvent, type RefObject, useId, useLayoutEffect } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { KeySequence, nameOfKey } from '../shortcuts/shortcut.ts';
import { useMedia } from '../util/use-media.ts';
import { type Act, actOfKey, actsOf, type Standing } from './act.ts';
import { attach } from './attach.ts';
import { changeDraft } from './drafts.ts';
import { MentionList } from './mention-list.tsx';
import { stopSession } from './send.ts';
import { useMentions } from './use-mentions.ts';

export type MessageFieldProps = {
  sessionId: string;
  standing: Standing;
  text: string;
  field: RefObject<HTMLTextAreaElement | null>;
  onSend: (act: Act) => void;
};

const escapes = new KeySequence();
const STOP_KEYS = new Set(['Escape Escape']);

/** Grows with its text, up to a part of the window. */
export function MessageField({ sessionId, standing, text, field, onSend }: MessageFieldProps) {
  const { t } = useLocale();
  const listId = useId();
  const isTouch = useMedia('(pointer: coarse)');
  const mentions = useMentions({ sessionId, text, field });
  useLayoutEffect(() => fit(field.current, text), [field, text]);
  const press = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (!isComposing && mentions.press(event.key)) {
      event.preventDefault();
      return;
    }
    const act = actOfKey({ ...pick(event), isComposing }, standing, isTouch);
    if (act !== null) {
      event.preventDefault();
      if (!event.repeat) onSend(act);
    } else if (!isComposing && !event.repeat && standing !== 'idle') {
      if (escapes.press(nameOfKey(event.nativeEvent), STOP_KEYS) !== null) void stopSession(sessionId);
    }
  };
  const paste = (event: ClipboardEvent): void => {
    const files = [...event.clipboardData.files];
    const { types } = event.clipboardData;
    // Offices put a picture of their text beside the text.
    if (files.length === 0 || (types.includes('text/plain') && types.includes('text/html'))) return;
    event.preventDefault();
    void attach(sessionId, files);
  };
  return (
    <>
      {mentions.isOpen && <MentionList id={listId} anchor={field} mentions={mentions} />}
      <textarea
        ref={field}
        id="composer"
        rows={1}
        dir="auto"
        value={text}
        aria-label={t('composer.field')}
        aria-autocomplete="list"
        {...(mentions.isOpen && {
          'aria-controls': listId,
          'aria-activedescendant': `${listId}-${mentions.active}`,
        })}
        placeholder={t(`composer.placeholder.${actsOf[standing][0]}`)}
        onChange={(event) => {
          changeDraft(sessionId, { text: event.target.value });
          mentions.look();
        }}
        onKeyDown={press}
        onSelect={mentions.look}
        onBlur={mentions.close}
        onPaste={paste}
        className="block max-h-[40dvh] min-h-11 w-full resize-none overflow-y-auto bg-transparent px-3.5 pt-3 pb-2 leading-relaxed outline-none coarse:text-base"
      />
    </>
  );
}

/** A proxy of the event has its fields in its prototype. */
function pick({ key, ctrlKey, metaKey, altKey, shiftKey }: KeyboardEvent) {
  return { key, ctrlKey, metaKey, altKey, shiftKey };
}

function fit(field: HTMLTextAreaElement | null, text: string): void {
  if (field === null) return;
  field.style.height = 'auto';
  // Without text the placeholder would be measured, which may be longer.
  field.style.height = text === '' ? '' : `${field.scrollHeight}px`;
}
