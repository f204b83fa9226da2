import { boundLine } from '../content/bounds.ts';
import { Markdown } from '../content/markdown.tsx';
import { SafeLink } from '../content/safe-link.tsx';
import { SafeText } from '../content/safe-text.tsx';
import { Stepwise } from '../content/stepwise.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { fieldsOf, listOf, textOf } from '../util/shapes.ts';
import { FailureText, Section } from './body-parts.tsx';
import { outputText } from './output.ts';
import { knownInput } from './partial-input.ts';

/** The page's address, what was asked of it, and the answer. */
export function FetchBody({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const input = knownInput(call);
  const result = textOf(fieldsOf(call.details).result) || outputText(call.output);
  const isOk = call.state !== 'failed' && call.state !== 'denied';
  return (
    <>
      <Section title={t('tool.input')}>
        <p className="text-[13px]">
          <SafeLink href={textOf(input.url)} />
        </p>
        <p className="text-muted text-xs">
          <SafeText text={boundLine(textOf(input.prompt))} />
        </p>
      </Section>
      <FailureText call={call} />
      {isOk && result !== '' && (
        <Section title={t('tool.result')}>
          <Markdown text={result} />
        </Section>
      )}
    </>
  );
}

const RESULTS_AT_ONCE = 50;

type SearchResult = { title: string; url: string; snippet: string };

export function SearchBody({ call }: { call: ToolCall }) {
  const results = listOf(fieldsOf(call.details).results).flatMap((result) =>
    listOf(fieldsOf(result).content),
  );
  const isOk = call.state !== 'failed' && call.state !== 'denied';
  if (!isOk) return <FailureText call={call} />;
  if (results.length === 0) {
    return (
      <Section>
        <Markdown text={outputText(call.output)} />
      </Section>
    );
  }
  return (
    <Stepwise entries={results} atOnce={RESULTS_AT_ONCE}>
      {(shown) => (
        <ul className="space-y-2 p-3 text-[13px]">
          {shown.map((result, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: Results have no other name than their place.
            <ResultRow key={index} result={toResult(result)} />
          ))}
        </ul>
      )}
    </Stepwise>
  );
}

function toResult(value: unknown): SearchResult {
  const fields = fieldsOf(value);
  return { title: textOf(fields.title), url: textOf(fields.url), snippet: textOf(fields.snippet) };
}

function ResultRow({ result: { title, url, snippet } }: { result: SearchResult }) {
  return (
    <li>
      <SafeLink href={url}>{title === '' ? undefined : <SafeText text={boundLine(title, 300)} />}</SafeLink>
      {snippet !== '' && (
        <p className="text-muted text-xs">
          <SafeText text={boundLine(snippet, 600)} />
        </p>
      )}
    </li>
  );
}
