import type { ReactNode } from 'react';
import { Code } from '../content/code.tsx';
import { DataImage } from '../content/image.tsx';
import { JsonView } from '../content/json.tsx';
import { Stepwise } from '../content/stepwise.tsx';
import { Terminal } from '../content/terminal.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { type OutputPart, outputParts, outputText, parsedJson } from './output.ts';
import { writtenTail } from './partial-input.ts';

const PARTS_AT_ONCE = 30;

export function Section({ title, children }: { title?: string; children: ReactNode }) {
  return (
    <div className="border-t p-3 first:border-t-0">
      {title !== undefined && <p className="mb-1 font-medium text-muted text-xs">{title}</p>}
      {children}
    </div>
  );
}

/** What the tool says went wrong, or why it may not run. */
export function FailureText({ call }: { call: ToolCall }) {
  if (call.state !== 'failed' && call.state !== 'denied') return null;
  const text = failureText(outputText(call.output));
  return text === '' ? null : <Terminal text={text} tone={call.state === 'failed' ? 'error' : 'plain'} />;
}

/** Without the tags that the program puts around it for the model. */
function failureText(text: string): string {
  return text.replace(/^<tool_use_error>([\s\S]*)<\/tool_use_error>$/, '$1');
}

/** The end of an input while it is being written. */
export function WrittenInput({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  return <Terminal text={writtenTail(call.inputText)} label={t('tool.input')} />;
}

/** Everything that came out, whatever it is. */
export function OutputParts({ call }: { call: ToolCall }) {
  return (
    <Stepwise entries={outputParts(call.output)} atOnce={PARTS_AT_ONCE}>
      {(shown) =>
        shown.map((part, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: Parts have no other name than their place.
          <OutputPartView key={index} part={part} />
        ))
      }
    </Stepwise>
  );
}

function OutputPartView({ part }: { part: OutputPart }) {
  const { t } = useLocale();
  if (part.kind === 'image') {
    return (
      <div className="p-3">
        <DataImage base64={part.base64} alt={t('tool.image')} mediaType={part.mediaType} />
      </div>
    );
  }
  if (part.kind === 'json') return <JsonView value={part.value} label={t('tool.output')} />;
  const value = parsedJson(part.text);
  if (value !== undefined) return <JsonView value={value} label={t('tool.output')} />;
  return <Code text={part.text} label={t('tool.output')} maxLines={24} isWrapped isBare />;
}
