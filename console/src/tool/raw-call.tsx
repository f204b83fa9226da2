import { boundLine } from '../content/bounds.ts';
import { Code } from '../content/code.tsx';
import { JsonView } from '../content/json.tsx';
import { wholeJson } from '../content/json-text.ts';
import { SafeText } from '../content/safe-text.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { CopyButton } from '../ui/copy-button.tsx';

/** Exactly what the model wrote, and what it was given. */
export function RawCall({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  return (
    <div className="space-y-2 p-3">
      <p className="flex flex-wrap items-center gap-1 font-mono text-muted text-xs">
        <span className="mr-auto">
          <SafeText text={boundLine(call.id, 100)} />
        </span>
        <CopyButton
          label={t('tool.copyInput')}
          text={() => (call.input === null ? call.inputText : wholeJson(call.input))}
        />
        {call.output !== null && <CopyButton label={t('tool.copyOutput')} text={() => copied(call.output)} />}
      </p>
      {call.input === null ? (
        <Code text={call.inputText} label={t('tool.input')} isWrapped />
      ) : (
        <JsonView value={call.input} label={t('tool.input')} />
      )}
      {call.output !== null && <RawOutput output={call.output} />}
      {call.details !== null && call.details !== undefined && (
        <JsonView value={call.details} label={t('tool.result')} />
      )}
    </div>
  );
}

function RawOutput({ output }: { output: NonNullable<ToolCall['output']> }) {
  const { t } = useLocale();
  return typeof output === 'string' ? (
    <Code text={output} label={t('tool.output')} isWrapped />
  ) : (
    <JsonView value={output} label={t('tool.output')} />
  );
}

function copied(output: ToolCall['output']): string {
  return typeof output === 'string' ? output : wholeJson(output);
}
