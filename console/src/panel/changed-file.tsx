import type { FileChange } from '@greenroom/client';
import { ChevronRight, MessageSquarePlus } from 'lucide-react';
import { useCallback, useState } from 'react';
import { DiffView } from '../content/diff-view.tsx';
import type { DiffFile, DiffLine } from '../content/patch.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import { Button } from '../ui/button.tsx';
import { CommentForm, CommentNote } from './comment-form.tsx';
import { addComment, useComments } from './comments.ts';

export type ChangedFileProps = {
  sessionId: string;
  file: FileChange;
  patch: DiffFile | undefined;
  isOpenAtFirst: boolean;
};

export function ChangedFile({ sessionId, file, patch, isOpenAtFirst }: ChangedFileProps) {
  const { t } = useLocale();
  const [isOpen, setOpen] = useState(isOpenAtFirst);
  return (
    <section className="overflow-hidden rounded-lg border">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex w-full items-center gap-2 bg-raised px-2.5 py-1.5 text-left text-xs hover:bg-hover coarse:min-h-11"
      >
        <ChevronRight aria-hidden className={isOpen ? 'size-3.5 shrink-0 rotate-90' : 'size-3.5 shrink-0'} />
        <span className="min-w-0 flex-1 truncate font-mono" dir="ltr" title={file.path}>
          <SafeText text={file.path} />
        </span>
        <span className="text-muted">{t(`panel.changes.status.${file.status}`)}</span>
        {(file.additions ?? 0) > 0 && <span className="text-done tabular-nums">+{file.additions}</span>}
        {(file.deletions ?? 0) > 0 && <span className="text-danger tabular-nums">−{file.deletions}</span>}
      </button>
      {isOpen &&
        (patch === undefined ? (
          <p className="px-3 py-2 text-muted text-xs">
            {t(file.binary ? 'panel.changes.binary' : 'panel.changes.notShown')}
          </p>
        ) : (
          <CommentedDiff sessionId={sessionId} patch={patch} />
        ))}
    </section>
  );
}

function CommentedDiff({ sessionId, patch }: { sessionId: string; patch: DiffFile }) {
  const { t } = useLocale();
  const comments = useComments(sessionId);
  const [writing, setWriting] = useState<DiffLine | null>(null);
  const action = useCallback(
    (line: DiffLine) => (
      <Button
        kind="quiet"
        size="iconSmall"
        className="size-5"
        aria-label={t('panel.changes.comment', { line: line.number })}
        onClick={() => setWriting(line)}
      >
        <MessageSquarePlus aria-hidden />
      </Button>
    ),
    [t],
  );
  const note = useCallback(
    (line: DiffLine) => {
      const here = comments.filter(
        (comment) => comment.path === line.file && comment.side === line.side && comment.line === line.number,
      );
      const isWriting = writing !== null && isSame(writing, line);
      if (here.length === 0 && !isWriting) return null;
      return (
        <div className="flex flex-col gap-2 border-y bg-panel p-2">
          {here.map((comment) => (
            <CommentNote key={comment.id} sessionId={sessionId} comment={comment} />
          ))}
          {isWriting && (
            <CommentForm
              onCancel={() => setWriting(null)}
              onSave={(text) => {
                const { file: path, side, number, text: lineText } = line;
                addComment(sessionId, { path, side, line: number, lineText, text });
                setWriting(null);
              }}
            />
          )}
        </div>
      );
    },
    [comments, writing, sessionId],
  );
  return <DiffView patch={patch} path={patch.path} lineAction={action} lineNote={note} />;
}

function isSame(a: DiffLine, b: DiffLine): boolean {
  return a.file === b.file && a.side === b.side && a.number === b.number;
}
