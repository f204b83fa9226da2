import { DiffView } from '../content/diff-view.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../transcript/item.ts';
import { fieldsOf } from '../util/shapes.ts';
import { FailureText, WrittenInput } from './body-parts.tsx';
import { fileDiffOf } from './file-diff.ts';

const ROWS_AT_FIRST = 60;

/** What changes in a file, or would; what is written of it so far. */
export function ChangeBody({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  if (call.input === null) return <WrittenInput call={call} />;
  const diff = fileDiffOf(call);
  return (
    <>
      <FailureText call={call} />
      {fieldsOf(call.input).replace_all === true && (
        <p className="border-b px-3 py-1.5 text-muted text-xs">{t('tool.replaceAll')}</p>
      )}
      <DiffView patch={diff} path={diff.path} hasNumbers={diff.hasNumbers} maxRows={ROWS_AT_FIRST} />
    </>
  );
}
