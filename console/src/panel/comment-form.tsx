import { Pencil, X } from 'lucide-react';
import { useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { TextArea } from '../ui/text-field.tsx';
import { editComment, type LineComment, removeComments } from './comments.ts';

export type CommentFormProps = { text?: string; onSave: (text: string) => void; onCancel: () => void };

/** Mod-Enter keeps the remark, Escape drops it. */
export function CommentForm({ text: before = '', onSave, onCancel }: CommentFormProps) {
  const { t } = useLocale();
  const [text, setText] = useState(before);
  const save = (): void => {
    if (text.trim() !== '') onSave(text.trim());
  };
  return (
    <div className="flex flex-col gap-2 font-sans">
      <TextArea
        // It was opened to be written in.
        autoFocus
        aria-label={t('panel.changes.commentText')}
        rows={2}
        value={text}
        onChange={({ target }) => setText(target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onCancel();
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) save();
        }}
      />
      <div className="flex justify-end gap-2">
        <Button size="small" onClick={onCancel}>
          {t('common.cancel')}
        </Button>
        <Button size="small" kind="primary" disabled={text.trim() === ''} onClick={save}>
          {t('panel.changes.keep')}
        </Button>
      </div>
    </div>
  );
}

/** A remark that waits to be sent. */
export function CommentNote({ sessionId, comment }: { sessionId: string; comment: LineComment }) {
  const { t } = useLocale();
  const [isEditing, setEditing] = useState(false);
  if (isEditing) {
    return (
      <CommentForm
        text={comment.text}
        onCancel={() => setEditing(false)}
        onSave={(text) => {
          editComment(sessionId, comment.id, text);
          setEditing(false);
        }}
      />
    );
  }
  return (
    <div className="flex items-start gap-2 rounded-md border border-needs-line bg-needs-soft px-2.5 py-1.5 font-sans text-[13px]">
      <p className="min-w-0 flex-1 whitespace-pre-wrap">{comment.text}</p>
      <Button
        kind="quiet"
        size="iconSmall"
        aria-label={t('panel.changes.edit')}
        onClick={() => setEditing(true)}
      >
        <Pencil aria-hidden />
      </Button>
      <Button
        kind="quiet"
        size="iconSmall"
        aria-label={t('panel.changes.remove')}
        onClick={() => removeComments(sessionId, new Set([comment.id]))}
      >
        <X aria-hidden />
      </Button>
    </div>
  );
}
