import { boundLine, oneLine } from '../content/bounds.ts';
import { Code } from '../content/code.tsx';
import { markInvisible } from '../content/invisible.ts';
import { SafeText } from '../content/safe-text.tsx';
import { Terminal } from '../content/terminal.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { fieldsOf, textOf } from '../util/shapes.ts';
import { OutputParts } from './body-parts.tsx';
import { withoutExitCode } from './exit-code.ts';
import { outputParts, outputText } from './output.ts';
import { knownInput } from './partial-input.ts';

/** The command whole, where the line has not all of it; then what it wrote. */
export function BashBody({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const input = knownInput(call);
  const command = textOf(input.command);
  const isLong = command.includes('\n') || command.length > 60;
  return (
    <>
      {(isLong || call.output === null) && (
        <div className={call.output === null ? undefined : 'border-b'}>
          <Code
            text={command}
            language="shellscript"
            label={t('tool.command')}
            maxLines={24}
            isWrapped
            isBare
          />
        </div>
      )}
      {textOf(input.description) !== '' && (
        <p className="border-b px-3 py-1.5 text-muted text-xs">
          <SafeText text={boundLine(textOf(input.description))} />
        </p>
      )}
      <BashOutput call={call} />
    </>
  );
}

function BashOutput({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  if (call.output === null) return null;
  const details = fieldsOf(call.details);
  const [stdout, stderr] = [textOf(details.stdout), textOf(details.stderr)];
  if (outputParts(call.output).some((part) => part.kind !== 'text')) return <OutputParts call={call} />;
  if (stdout === '' && stderr === '') return <ModelOutput call={call} />;
  return (
    <>
      {stdout !== '' && <Terminal text={stdout} />}
      {stderr !== '' && (
        <div className="border-danger-line border-l-2">
          <p className="px-3 pt-1.5 text-muted text-xs">{t('tool.errorOutput')}</p>
          <Terminal text={stderr} label={t('tool.errorOutput')} />
        </div>
      )}
      {textOf(details.persistedOutputPath) !== '' && (
        <p className="border-t px-3 py-1.5 text-muted text-xs">
          {t('tool.redirected', { path: markInvisible(oneLine(textOf(details.persistedOutputPath))) })}
        </p>
      )}
    </>
  );
}

/** Of commands that failed the program keeps one text of both streams. */
function ModelOutput({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const text = withoutExitCode(outputText(call.output));
  return text === '' ? (
    <p className="px-3 py-2 text-muted text-xs">{t('tool.noOutput')}</p>
  ) : (
    <Terminal text={text} />
  );
}
