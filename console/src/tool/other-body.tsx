import { JsonView } from '../content/json.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { FailureText, OutputParts, Section, WrittenInput } from './body-parts.tsx';

/** Of tools that are not known here, of MCP servers and of the caller: what went in, and whatever came out. */
export function OtherBody({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  if (call.input === null) return <WrittenInput call={call} />;
  const isOk = call.state !== 'failed' && call.state !== 'denied';
  return (
    <>
      <Section title={t('tool.input')}>
        <JsonView value={call.input} label={t('tool.input')} />
      </Section>
      <FailureText call={call} />
      {isOk && call.output !== null && (
        <Section title={t('tool.output')}>
          <OutputParts call={call} />
        </Section>
      )}
    </>
  );
}
