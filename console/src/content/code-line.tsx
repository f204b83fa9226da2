import { type CSSProperties, memo } from 'react';
import type { CodeLine as Tokens } from './highlight.ts';
import { SafeText } from './safe-text.tsx';

/** One line of code, coloured where its tokens are there and still say the same. */
export const CodeLine = memo(function CodeLine({
  text,
  tokens,
}: {
  text: string;
  tokens?: Tokens | undefined;
}) {
  if (tokens === undefined || textOf(tokens) !== text) return <SafeText text={text} />;
  return tokens.map((token, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: Tokens have no other name than their place.
    <span key={index} className="text-(--token-light) dark:text-(--token-dark)" style={coloursOf(token)}>
      <SafeText text={token.text} />
    </span>
  ));
});

function textOf(tokens: Tokens): string {
  return tokens.map(({ text }) => text).join('');
}

function coloursOf({ light, dark }: Tokens[number]): CSSProperties {
  return { '--token-light': light, '--token-dark': dark } as CSSProperties;
}
