import { Markdown } from '../content/markdown.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { fieldsOf, listOf, textOf } from '../util/shapes.ts';
import { FailureText, Section } from './body-parts.tsx';
import { outputText } from './output.ts';
import { knownInput } from './partial-input.ts';

/** What a subagent was told, and what it answered. Its own transcript is opened from here. */
export function AgentBody({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const isOk = call.state !== 'failed' && call.state !== 'denied';
  const answer = answerOf(call);
  return (
    <>
      <Section title={t('tool.prompt')}>
        <Markdown text={textOf(knownInput(call).prompt)} isStreaming={call.state === 'writing'} />
      </Section>
      <FailureText call={call} />
      {isOk && answer !== '' && (
        <Section title={t('tool.agentResult')}>
          <Markdown text={answer} />
        </Section>
      )}
    </>
  );
}

/** Its own words, without those that the program adds for the model. */
function answerOf(call: ToolCall): string {
  const own = listOf(fieldsOf(call.details).content).map((block) => textOf(fieldsOf(block).text));
  return own.join('\n\n') || outputText(call.output);
}
