import { memo, type ReactNode, useMemo, useState } from 'react';
import { useLocale } from '../i18n/locale.ts';
import { Code } from './code.tsx';
import { DiffRows } from './diff-rows.tsx';
import { languageOfPath } from './language.ts';
import { type DiffFile, type DiffLine, readHunks, readPatch } from './patch.ts';
import { SafeText } from './safe-text.tsx';
import { ScrollRegion } from './scroll-region.tsx';
import { ShowMore } from './show-more.tsx';
import { SplitDiffRows } from './split-diff-rows.tsx';
import { type DiffTokens, useDiffTokens } from './use-diff-tokens.ts';

export type DiffLayout = 'unified' | 'split';

/** What others put at lines: memoise these, rows are many. */
export type LineSlots = {
  /** At the beginning of a line, seen when it is pointed at or focused: a button to comment on it. */
  lineAction?: (line: DiffLine) => ReactNode;
  /** Below a line: comments on it; null where there are none. */
  lineNote?: (line: DiffLine) => ReactNode;
};

export type DiffViewProps = LineSlots & {
  /** The text of a patch, the program's own `structuredPatch`, or what `compareTexts` found. */
  patch: string | readonly unknown[] | DiffFile;
  path: string;
  layout?: DiffLayout;
  /** False where the numbers are of a piece of a file. */
  hasNumbers?: boolean;
  maxRows?: number;
};

const ROWS_AT_ONCE = 400;

export const DiffView = memo(function DiffView({ patch, path, ...view }: DiffViewProps) {
  const files = useMemo(() => filesOf(patch, path), [patch, path]);
  if (files === null) return <Code text={String(patch)} label={path} isBare />;
  if (files.length === 0) return <DiffNote word="content.noChanges" />;
  return files.map((file, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: A patch may name a file twice.
    <FileDiff key={index} file={file} isNamed={files.length > 1} {...view} />
  ));
});

function filesOf(patch: DiffViewProps['patch'], path: string): DiffFile[] | null {
  if (typeof patch === 'string') return readPatch(patch, path);
  if (isHunks(patch)) return [readHunks(patch, path)];
  return [patch];
}

function isHunks(patch: readonly unknown[] | DiffFile): patch is readonly unknown[] {
  return Array.isArray(patch);
}

type FileDiffProps = Omit<DiffViewProps, 'patch' | 'path'> & { file: DiffFile; isNamed: boolean };

function FileDiff({
  file,
  isNamed,
  layout = 'unified',
  hasNumbers = true,
  maxRows,
  ...slots
}: FileDiffProps) {
  const { t } = useLocale();
  const [max, setMax] = useState(maxRows ?? ROWS_AT_ONCE);
  const rows = useMemo(() => file.rows.slice(0, max), [file, max]);
  const tokens: DiffTokens = useDiffTokens(rows, languageOfPath(file.path));
  const Rows = layout === 'split' ? SplitDiffRows : DiffRows;
  return (
    <div className="min-w-0">
      {isNamed && (
        <p className="border-b bg-raised px-3 py-1 font-mono text-xs">
          <SafeText text={file.path} />
        </p>
      )}
      <DiffChange file={file} />
      {rows.length > 0 && (
        <ScrollRegion label={t('content.diffOf', { path: file.path })} dir="ltr">
          <Rows rows={rows} file={file.path} tokens={tokens} hasNumbers={hasNumbers} {...slots} />
        </ScrollRegion>
      )}
      {file.rows.length > max && (
        <ShowMore count={file.rows.length - max} onShow={() => setMax(max + ROWS_AT_ONCE * 5)} />
      )}
    </div>
  );
}

/** What happened to the file beside its lines. */
function DiffChange({ file }: { file: DiffFile }) {
  const { t } = useLocale();
  if (file.oldPath !== null) {
    return (
      <p className="px-3 py-1.5 text-muted text-xs">
        {t('content.movedFrom')} <SafeText text={file.oldPath} />
      </p>
    );
  }
  if (file.change === 'binary') return <DiffNote word="content.binary" />;
  return file.rows.length === 0 ? <DiffNote word="content.noLines" /> : null;
}

function DiffNote({ word }: { word: 'content.binary' | 'content.noLines' | 'content.noChanges' }) {
  const { t } = useLocale();
  return <p className="px-3 py-2 text-muted text-xs">{t(word)}</p>;
}
