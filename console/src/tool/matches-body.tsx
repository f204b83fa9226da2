import { useMemo } from 'react';
import { boundLine } from '../content/bounds.ts';
import { SafeText } from '../content/safe-text.tsx';
import { ScrollRegion } from '../content/scroll-region.tsx';
import { Stepwise } from '../content/stepwise.tsx';
import { useLocale } from '../i18n/locale.ts';
import type { ToolCall } from '../log/item.ts';
import { FailureText } from './body-parts.tsx';
import { type Match, readMatches } from './matches.ts';

const AT_ONCE = 20;

export function MatchesBody({ call }: { call: ToolCall }) {
  const { t } = useLocale();
  const matches = useMemo(() => readMatches(call), [call]);
  if (call.state === 'failed' || call.state === 'denied') return <FailureText call={call} />;
  if (call.output === null) return null;
  if (matches.length === 0) return <p className="px-3 py-2 text-muted text-xs">{t('tool.noMatches')}</p>;
  return (
    <Stepwise entries={matches} atOnce={AT_ONCE}>
      {(shown) => (
        <ScrollRegion label={t('tool.result')} dir="ltr">
          <ul className="py-1.5 font-mono text-[12.5px] leading-[1.7]">
            {shown.map((match, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: Matches have no other name than their place.
              <MatchRow key={index} match={match} />
            ))}
          </ul>
        </ScrollRegion>
      )}
    </Stepwise>
  );
}

function MatchRow({ match: { path, line, text } }: { match: Match }) {
  return (
    <li className="flex gap-2 whitespace-pre px-3">
      {path !== '' && (
        <span className="shrink-0 text-muted">
          <SafeText text={boundLine(path, 400)} />
          {line !== null && `:${line}`}
        </span>
      )}
      {text !== '' && <SafeText text={boundLine(text, 500)} />}
    </li>
  );
}
