import { Code } from '../content/code.tsx';
import { DataImage } from '../content/image.tsx';
import { languageOfPath } from '../content/language.ts';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { fieldsOf, numberOf, textOf } from '../util/shapes.ts';
import { FailureText, OutputParts } from './body-parts.tsx';

/** The lines that were read, as the file counts them; the image. */
export function ReadBody({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const details = fieldsOf(call.details);
  const file = fieldsOf(details.file);
  const path = textOf(fieldsOf(call.input).file_path);
  if (call.state === 'failed' || call.state === 'denied') return <FailureText call={call} />;
  if (details.type === 'image') {
    return (
      <div className="p-3">
        <DataImage base64={textOf(file.base64)} alt={path || t('tool.image')} mediaType={textOf(file.type)} />
      </div>
    );
  }
  if (details.type !== 'text' || typeof file.content !== 'string') return <OutputParts call={call} />;
  return (
    <Code
      text={file.content}
      language={languageOfPath(path)}
      label={path}
      startLine={numberOf(file.startLine) ?? 1}
      maxLines={24}
      isBare
    />
  );
}
