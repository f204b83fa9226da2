/*
 * Text can deceive by what is not seen: controls that turn its direction, characters without width, controls of old
 * terminals, halves of characters. Where it matters what a text is (commands, paths, rules), these are shown by their
 * code.
 */

export type TextPart = { kind: 'text'; text: string } | { kind: 'invisible'; code: string };

// Controls, formats (directions, zero width, tags), what fonts leave out, halves of pairs, and the odd line ends; not
// tab and line feed, nor the selector that makes an emoji of a character.
const INVISIBLE = /[[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\p{Cs}\p{Zl}\p{Zp}]--[\t\n\ufe0f]]/gv;

/** More would be more elements than a page bears: a text may be made of nothing else. */
const MOST_MARKS = 200;

/**
 * The text, and between its parts what cannot be seen; behind the first 200 of them the codes stand in the text. An emoji's
 * joiner and selector are part of what is seen.
 */
export function splitInvisible(whole: string, most = MOST_MARKS): TextPart[] {
  const text = boundPiles(whole, PILES);
  const parts: TextPart[] = [];
  let from = 0;
  let marks = 0;
  for (const match of text.matchAll(INVISIBLE)) {
    if (isWithinEmoji(text, match.index)) continue;
    if (marks++ === most) return [...parts, { kind: 'text', text: markInvisible(text.slice(from)) }];
    if (match.index > from) parts.push({ kind: 'text', text: text.slice(from, match.index) });
    parts.push({ kind: 'invisible', code: codeOf(match[0]) });
    from = match.index + match[0].length;
  }
  if (from < text.length) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}

// On one letter. No script has so many (Unicode's own bound for streams is 30 as well), and a page lays each out again for
// all that came before it.
const PILES = /(\p{M}{30})(\p{M}+)/gu;
/** In prose what is not seen is not shown by its code: it would keep the marks of a pile apart. */
const UNSEEN_PILES = /([\p{M}\p{Cf}]{30})([\p{M}\p{Cf}]+)/gu;

/** What is left out of a pile is said by its number. */
function boundPiles(text: string, piles: RegExp): string {
  return text.replace(piles, (_, kept: string, rest: string) => `${kept}⟨+${[...rest].length}⟩`);
}

export function hasInvisible(text: string): boolean {
  return splitInvisible(text, 1).some((part) => part.kind === 'invisible');
}

// Embeddings, overrides and isolates of direction, and tags; not the marks that honest text in two scripts needs.
const DECEIVING = /[\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u.source;
/** A flag of a region is a black one with a few tags behind it. */
const FLAG = /\u{1f3f4}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{1,6}\u{e007f}/u.source;
const FLAG_OR_DECEIVING = new RegExp(`(${FLAG})|${DECEIVING}`, 'gu');

/** For prose: only what turns the text around, or hides a second text in it, is marked. */
export function markDeceiving(text: string): string {
  return boundPiles(text, UNSEEN_PILES).replace(
    FLAG_OR_DECEIVING,
    (found, flag: string | undefined) => flag ?? `⟨${codeOf(found)}⟩`,
  );
}

/** With the codes in the text, for what takes text alone: titles, labels, Markdown. */
export function markInvisible(text: string): string {
  return splitInvisible(text, Number.POSITIVE_INFINITY)
    .map((part) => (part.kind === 'text' ? part.text : `⟨${part.code}⟩`))
    .join('');
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

const JOINER = '\u200d';

function isWithinEmoji(text: string, index: number): boolean {
  if (text[index] !== JOINER) return false;
  const before = text.slice(Math.max(0, index - 5), index);
  const after = String.fromCodePoint(text.codePointAt(index + 1) ?? 0);
  return (
    /\p{Extended_Pictographic}[\ufe0f\u{1f3fb}-\u{1f3ff}]?$/u.test(before) &&
    /\p{Extended_Pictographic}/u.test(after)
  );
}
