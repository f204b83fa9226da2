import { useMemo, useState } from 'react';
import { DiffView } from '../content/diff-view.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { Button } from '../ui/button.tsx';
import { fieldsOf } from '../util/shapes.ts';
import { FailureText, WrittenInput } from './body-parts.tsx';
import { EDITS_AT_ONCE, fileDiffOf, makeDiff } from './file-diff.ts';

const ROWS_AT_FIRST = 60;

/** What changes in a file, or would; what is written of it so far. */
export function ChangeBody({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const [edits, setEdits] = useState(EDITS_AT_ONCE);
  const diff = useMemo(
    () => (edits === EDITS_AT_ONCE ? fileDiffOf(call) : makeDiff(call, edits)),
    [call, edits],
  );
  if (call.input === null) return <WrittenInput call={call} />;
  return (
    <>
      <FailureText call={call} />
      {fieldsOf(call.input).replace_all === true && (
        <p className="border-b px-3 py-1.5 text-muted text-xs">{t('tool.replaceAll')}</p>
      )}
      <DiffView patch={diff} path={diff.path} hasNumbers={diff.hasNumbers} maxRows={ROWS_AT_FIRST} />
      {diff.otherEdits > 0 && (
        <Button kind="quiet" size="small" className="m-1" onClick={() => setEdits(edits + EDITS_AT_ONCE * 2)}>
          {t('tool.moreEdits', { count: diff.otherEdits })}
        </Button>
      )}
    </>
  );
}
