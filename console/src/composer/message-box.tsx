import { type DragEvent, useRef, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { cn } from '../ui/class-names.ts';
import { useStore } from '../util/store.ts';
import type { Act, Standing } from './act.ts';
import { attach, uploads } from './attach.ts';
import { AttachButton } from './attach-button.tsx';
import { AttachmentList } from './attachment-list.tsx';
import type { Draft } from './drafts.ts';
import { MessageField } from './message-field.tsx';
import { sendAs } from './send.ts';
import { SendButtons } from './send-buttons.tsx';
import { SessionSettings } from './session-settings.tsx';

export type MessageBoxProps = { sessionId: string; standing: Standing; draft: Draft };

/** The text area, what goes with it, and how it is sent. */
export function MessageBox({ sessionId, standing, draft }: MessageBoxProps) {
  const { t } = useLocale();
  const field = useRef<HTMLTextAreaElement>(null);
  const isUploading = useStore(uploads).some(
    (upload) => upload.sessionId === sessionId && upload.error === null,
  );
  const { isOver, ...drop } = useDrop((files) => void attach(sessionId, files));
  const isEmpty = draft.text.trim() === '' && draft.images.length === 0;
  const send = (act: Act): void => {
    if (isEmpty || isUploading) return;
    sendAs(sessionId, act);
    field.current?.focus();
  };
  return (
    <section
      aria-label={t('composer.label')}
      {...drop}
      className={cn(
        'relative rounded-xl border border-line-strong bg-panel shadow-sm focus-within:border-accent',
        isOver && 'border-accent bg-accent-soft',
      )}
    >
      {isOver && (
        <p className="pointer-events-none absolute inset-0 z-10 flex items-center justify-center font-medium text-accent">
          {t('composer.drop')}
        </p>
      )}
      <AttachmentList sessionId={sessionId} images={draft.images} />
      <MessageField sessionId={sessionId} standing={standing} text={draft.text} field={field} onSend={send} />
      <div className="flex flex-wrap items-center gap-x-1 gap-y-1.5 px-2 pb-2">
        <AttachButton sessionId={sessionId} />
        <SessionSettings sessionId={sessionId} standing={standing} />
        <SendButtons
          sessionId={sessionId}
          standing={standing}
          cannotSend={isUploading ? 'composer.uploading' : isEmpty ? 'composer.empty' : null}
          onSend={send}
        />
      </div>
    </section>
  );
}

function useDrop(onFiles: (files: readonly File[]) => void) {
  const [depth, setDepth] = useState(0);
  const hasFiles = (event: DragEvent): boolean => event.dataTransfer.types.includes('Files');
  return {
    isOver: depth > 0,
    onDragEnter: (event: DragEvent) => {
      if (hasFiles(event)) setDepth((count) => count + 1);
    },
    onDragLeave: (event: DragEvent) => {
      if (hasFiles(event)) setDepth((count) => Math.max(0, count - 1));
    },
    onDragOver: (event: DragEvent) => {
      if (hasFiles(event)) event.preventDefault();
    },
    onDrop: (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setDepth(0);
      onFiles(filesOf(event.dataTransfer));
    },
  };
}

/** A directory looks like an empty file, and cannot be read. */
function filesOf({ items, files }: DataTransfer): File[] {
  const directories = new Set(
    [...items].flatMap((item) => {
      const entry = item.webkitGetAsEntry();
      return entry?.isDirectory ? [entry.name] : [];
    }),
  );
  return [...files].filter(({ name }) => !directories.has(name));
}
